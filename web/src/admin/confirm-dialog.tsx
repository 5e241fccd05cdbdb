import { Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'

interface ConfirmDialogProps {
  title: string
  lead: string
  confirm: string
  danger?: boolean
  /** Whether a reason is asked for; the ledger keeps it. */
  reason?: boolean
  /** Whether what comes of it may go out by mail. */
  mail?: boolean
  onConfirm(given: { reason: string; mail: boolean }): Promise<void>
  onClose(): void
}

/** Asks once more before something is done to somebody. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, lead, confirm, danger = false, reason: asks = false, mail: mails = false } = props
  const { common, admin } = useTexts()
  const [reason, setReason] = useState('')
  const [mail, setMail] = useState(false)
  const { run, busy, error } = useAction(() => props.onConfirm({ reason, mail }))
  return (
    <Dialog onClose={props.onClose} title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <Text>{lead}</Text>
          {asks && (
            <TextInput
              {...{ label: admin.reason, description: admin.reasonHint, maxLength: 200, required: true }}
              {...{ withAsterisk: false, value: reason, 'data-autofocus': true }}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
          {mails && (
            <Checkbox
              {...{ label: admin.mail, checked: mail }}
              onChange={(event) => setMail(event.currentTarget.checked)}
            />
          )}
          <ProblemAlert error={error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={busy} {...(danger && { color: 'red.8' })}>
              {confirm}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
