import type { ReactNode } from 'react'
import { Logo } from './logo.tsx'
import { Switches } from './switches.tsx'

/** A page that is one card: signing in, setting up, and what a link opens. */
export function GateFrame({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  return (
    <div className="sp-gate">
      <Logo />
      <main className={`sp-surface sp-gate-card${wide ? ' wide' : ''}`}>{children}</main>
      <footer className="sp-gate-foot">
        <Switches />
      </footer>
    </div>
  )
}
