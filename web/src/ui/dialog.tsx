import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/texts.tsx'

interface DialogProps {
  title: string
  wide?: boolean
  onClose(): void
  children: ReactNode
}

/** A dialog that is open while it is drawn. */
export function Dialog({ title, wide = false, onClose, children }: DialogProps) {
  const { common } = useTexts()
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
