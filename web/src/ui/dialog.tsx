import { Modal } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { useTexts } from '../texts/texts.tsx'

interface DialogProps {
  title: string
  wide?: boolean
  onClose(): void
  children: ReactNode
}

/** A dialog that is open while it is drawn; the focus goes back to where it came from. */
export function Dialog({ title, wide = false, onClose, children }: DialogProps) {
  const { common } = useTexts()
  useEffect(() => {
    const before = document.activeElement
    return () => {
      // Once the page behind is no longer inert.
      setTimeout(
        () => before instanceof HTMLElement && before.isConnected && before.focus({ preventScroll: true }),
      )
    }
  }, [])
  return (
    <Modal
      opened
      returnFocus={false}
      onClose={onClose}
      title={title}
      size={wide ? 'lg' : 'md'}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': common.close }}
    >
      {children}
    </Modal>
  )
}
