import { Menu, UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { useMe, useSession } from '../session/session.tsx'
import { useTexts } from '../texts/texts.tsx'
import { PersonIcon } from './icons.tsx'
import { Logo } from './logo.tsx'
import { Switches } from './switches.tsx'

/** The frame of every page that is shown to signed-in people. */
export function AppFrame({ children, wide = false }: { children: ReactNode; wide?: boolean }) {
  const { frame } = useTexts()
  const me = useMe()
  const [path] = useLocation()
  const places = [
    { href: '/settings/security', label: frame.security },
    ...(me.role === 'admin' ? [{ href: '/admin', label: frame.admin }] : []),
  ]
  return (
    <>
      <a href="#main" className="sp-skip">
        {frame.skip}
      </a>
      <header className="sp-header">
        <div className={`sp-header-inner${wide ? ' wide' : ''}`}>
          <Link href="/" aria-label="Sallyport">
            <Logo />
          </Link>
          <nav aria-label={frame.places} className="sp-nav">
            {places.map(({ href, label }) => (
              <Link
                key={href}
                href={href}
                className="sp-nav-link"
                {...(path.startsWith(href) && { 'aria-current': 'page' as const })}
              >
                {label}
              </Link>
            ))}
          </nav>
          <span className="sp-only-wide">
            <Switches />
          </span>
          <AccountMenu email={me.email} />
        </div>
      </header>
      <main id="main" tabIndex={-1} className={`sp-main${wide ? ' wide' : ''}`}>
        {children}
      </main>
      <footer className="sp-only-phone">
        <Switches />
      </footer>
    </>
  )
}

function AccountMenu({ email }: { email: string | null }) {
  const { frame } = useTexts()
  const { leave } = useSession()
  const [, navigate] = useLocation()
  const signOut = () =>
    leave()
      .then(() => navigate('/sign-in'))
      .catch(() => undefined)
  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <UnstyledButton className="sp-account" aria-label={frame.account}>
          <PersonIcon />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {email !== null && <Menu.Label className="sp-wrap">{frame.signedInAs(email)}</Menu.Label>}
        <Menu.Item onClick={() => void signOut()}>{frame.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
