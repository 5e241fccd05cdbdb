import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { CheckIcon, CopyIcon } from '../ui/icons.tsx'

export function CopyButton({ text, children }: { text: string; children: ReactNode }) {
  const { common } = useTexts()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await copyText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 2500)
  }
  return (
    <Button
      variant="default"
      size="sm"
      leftSection={copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{copied ? common.copied : children}</span>
    </Button>
  )
}

/** Pages without TLS have no clipboard of their own: there the old way is left. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  document.body.append(field)
  field.select()
  document.execCommand('copy')
  field.remove()
}
