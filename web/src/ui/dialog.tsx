import { Modal, VisuallyHidden } from '@mantine/core'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { useTexts } from '../texts/texts.tsx'

interface DialogProps {
  title: string
  wide?: boolean
  /** What it shows has a heading of its own: the title is for readers alone. */
  untitled?: boolean
  onClose(): void
  children: ReactNode
}

const HoldContext = createContext<((by: 1 | -1) => void) | null>(null)

/** A dialog that is open while it is drawn. */
export function Dialog({ title, wide = false, untitled = false, onClose, children }: DialogProps) {
  const { common } = useTexts()
  const [holds, setHolds] = useState(0)
  const [hold] = useState(() => (by: 1 | -1) => setHolds((now) => now + by))
  const held = holds > 0
  return (
    <Modal
      opened
      returnFocus={false}
      onClose={onClose}
      title={untitled ? <VisuallyHidden>{title}</VisuallyHidden> : title}
      size={wide ? 'lg' : 'md'}
      {...(untitled && { styles: { header: { minHeight: 0, paddingBottom: '0.5rem' } } })}
      closeOnClickOutside={false}
      closeOnEscape={!held}
      closeButtonProps={{ 'aria-label': common.close, disabled: held }}
    >
      <HoldContext value={hold}>{children}</HoldContext>
    </Modal>
  )
}

/** Keeps the dialog around this open while `held`: what it shows, or is about to, is shown this once only. */
export function useHold(held: boolean): void {
  const hold = useContext(HoldContext)
  useEffect(() => {
    if (!held || !hold) return
    hold(1)
    return () => hold(-1)
  }, [held, hold])
}
