import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { CopyButton } from '../setup/copy-button.tsx'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { AlertIcon } from '../ui/icons.tsx'

interface ShownOnceProps {
  title: string
  /** `null` where it went out by mail instead. */
  secret: string | null
  until?: string
  onClose(): void
}

/** A link, pass or key that nobody sees a second time. */
export function ShownOnce({ title, secret, until, onClose }: ShownOnceProps) {
  const { admin } = useTexts()
  const times = useTimes()
  return (
    <Dialog onClose={onClose} title={title}>
      <Stack gap="md">
        {secret === null ? (
          <Text>{admin.linkMailed}</Text>
        ) : (
          <>
            <Alert color="orange" variant="light" icon={<AlertIcon />}>
              {admin.shownOnce}
            </Alert>
            <code className="sp-once">{secret}</code>
          </>
        )}
        {until !== undefined && <Text c="dimmed">{admin.goodUntil(times.moment(until))}</Text>}
        <Group justify="flex-end">
          {secret !== null && <CopyButton text={secret}>{admin.copyIt}</CopyButton>}
          <Button size="sm" onClick={onClose}>
            {admin.done}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
