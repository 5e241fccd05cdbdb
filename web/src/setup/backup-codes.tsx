import { Button, Checkbox, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { useHold } from '../ui/dialog.tsx'
import { DownloadIcon, PrintIcon } from '../ui/icons.tsx'
import { CopyButton } from './copy-button.tsx'

interface BackupCodesProps {
  codes: readonly string[]
  email: string | null
  onSaved(): void
}

/** Shows the codes this once, and lets nobody go on who has not said that they are kept. */
export function BackupCodes({ codes, email, onSaved }: BackupCodesProps) {
  const { setup, wizard } = useTexts()
  const texts = setup.codes
  const times = useTimes()
  const [saved, setSaved] = useState(false)
  useHold(!saved)
  // Whose codes these are and from when, for whoever finds the paper years later.
  const head = wizard.paper({ place: location.host, email, day: times.day(new Date()) })
  const lines = codes.join('\n')
  return (
    <Stack gap="lg">
      <div className="sp-print">
        <p className="sp-paper">{head}</p>
        <ol className="sp-codes sp-mono">
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ol>
      </div>
      <Group gap="xs">
        <CopyButton text={lines}>{texts.copy}</CopyButton>
        <Button
          variant="default"
          size="sm"
          leftSection={<DownloadIcon size={16} />}
          onClick={() => download('sallyport-backup-codes.txt', `${head}\n\n${lines}\n`)}
        >
          {texts.download}
        </Button>
        <Button
          variant="default"
          size="sm"
          leftSection={<PrintIcon size={16} />}
          onClick={() => window.print()}
        >
          {texts.print}
        </Button>
      </Group>
      <Checkbox
        label={texts.saved}
        checked={saved}
        onChange={(event) => setSaved(event.currentTarget.checked)}
      />
      <Button disabled={!saved} onClick={onSaved}>
        {texts.finish}
      </Button>
    </Stack>
  )
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
