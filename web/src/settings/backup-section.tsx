import { Badge, Button, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useMe, useSession } from '../session/session.tsx'
import { BackupCodes } from '../setup/backup-codes.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { MethodIcon } from '../ui/method-icon.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { ProveForm } from './prove-form.tsx'
import { provingMethods, type Status } from './status.ts'

const few = 3

export function BackupSection({ status, onChanged }: { status: Status; onChanged(): Promise<void> }) {
  const { security, setup } = useTexts()
  const { client } = useSession()
  const { email } = useMe()
  const [open, setOpen] = useState(false)
  const [codes, setCodes] = useState<readonly string[] | null>(null)
  const left = status.backup_codes_remaining
  // Whoever used the last one had some; nobody else has few.
  const had = status.factors.some(({ type }) => type === 'backup')
  const make = had ? security.regenerate : security.makeCodes
  const close = () => {
    setOpen(false)
    setCodes(null)
    void onChanged()
  }
  return (
    <Section title={security.backup}>
      <ul className="sp-list">
        <Row
          icon={<MethodIcon method="backup" />}
          title={
            <>
              {had ? security.backupLeft(left) : security.backupNone}
              {had && left <= few && (
                <Badge color="orange" variant="light" tt="none">
                  {security.backupLow}
                </Badge>
              )}
            </>
          }
          detail={setup.codes.short}
          actions={
            provingMethods(status).length > 0 && (
              <Button variant="default" size="sm" onClick={() => setOpen(true)}>
                {make}
              </Button>
            )
          }
        />
      </ul>
      {open && (
        <Dialog onClose={close} title={codes ? setup.codes.title : had ? security.regenerateTitle : make}>
          <Stack gap="lg">
            <Text>{codes ? setup.codes.lead : had ? security.regenerateLead : security.makeCodesLead}</Text>
            {codes ? (
              <BackupCodes codes={codes} email={email} onSaved={close} />
            ) : (
              <ProveForm
                status={status}
                onProof={async (proof, method) => {
                  const body = { ...proof, method }
                  const answer = await client.call('POST /auth/mfa/backup-codes/regenerate', { body })
                  setCodes(answer.backup_codes)
                }}
              />
            )}
          </Stack>
        </Dialog>
      )}
    </Section>
  )
}
