import { Button, Stack } from '@mantine/core'
import type { Client } from '@sallyport/sdk'
import { useState } from 'react'
import { type Offer, offers } from '../session/offers.ts'
import { createMailed } from '../sign-in/mailed.ts'
import { useTexts } from '../texts/texts.tsx'
import { Choice } from '../ui/choice.tsx'
import { PageTitle } from '../ui/page-title.tsx'
import { Empty } from '../ui/states.tsx'
import { Steps } from '../ui/steps.tsx'
import { BackupCodes } from './backup-codes.tsx'
import { EmailSetup } from './email-setup.tsx'
import type { Enrolled } from './enrolled.ts'
import { TotpSetup } from './totp-setup.tsx'
import { WebauthnSetup } from './webauthn-setup.tsx'
import { YubikeySetup } from './yubikey-setup.tsx'

const steps = {
  totp: TotpSetup,
  webauthn: WebauthnSetup,
  yubikey: YubikeySetup,
  email: EmailSetup,
} as const satisfies Partial<Record<Offer, unknown>>
type Kind = keyof typeof steps
const kinds = Object.keys(steps) as Kind[]

type Stage =
  | { at: 'method' }
  | { at: 'connect'; kind: Kind }
  | { at: 'codes'; codes: readonly string[]; enrolled: Enrolled }

const places = ['method', 'connect', 'codes'] as const

interface SetupWizardProps {
  client: Client
  email: string | null
  /** Over another page, which keeps its name. */
  inDialog?: boolean
  /** Why this is shown, where nobody asked for it. */
  lead?: string
  /** What is not to be added once more. */
  without?: readonly string[]
  /** Whose backup codes there are already: no others come. */
  hasCodes?: boolean
  onDone(enrolled: Enrolled): void
  onCancel?(): void
}

/** Choose a way, connect it, confirm it, keep the backup codes. */
export function SetupWizard({
  inDialog = false,
  client,
  email,
  lead,
  without = [],
  hasCodes = false,
  onDone,
  onCancel,
}: SetupWizardProps) {
  const { setup, wizard, methods, common } = useTexts()
  const [stage, setStage] = useState<Stage>({ at: 'method' })
  const [mailed] = useState(createMailed)
  const choices = kinds.filter((kind) => offers(kind) && !without.includes(kind))

  const onEnrolled = (enrolled: Enrolled, codes: readonly string[]) =>
    codes.length > 0 ? setStage({ at: 'codes', codes, enrolled }) : onDone(enrolled)

  const Connect = stage.at === 'connect' ? steps[stage.kind] : null
  // Codes come with a first factor that a phone may lose, and then once.
  const codesCome =
    stage.at === 'codes' ||
    (!hasCodes && offers('backup') && (stage.at === 'method' || ['totp', 'webauthn'].includes(stage.kind)))
  const title =
    stage.at === 'method' ? setup.title : stage.at === 'codes' ? setup.codes.title : setup[stage.kind].title
  return (
    <Stack gap="lg">
      <Steps step={places.indexOf(stage.at) + 1} of={codesCome ? 3 : 2} label={wizard.steps[stage.at]} />
      <PageTitle
        part={inDialog}
        key={title}
        lead={
          stage.at === 'codes' ? setup.codes.lead : stage.at === 'method' ? (lead ?? setup.choose) : undefined
        }
      >
        {title}
      </PageTitle>
      {stage.at === 'method' && (
        <Stack gap="sm">
          {choices.length === 0 && <Empty>{setup.nothing}</Empty>}
          {choices.map((kind) => (
            <Choice
              key={kind}
              method={kind}
              {...methods[kind]}
              {...(kind === 'totp' && { badge: setup.recommended })}
              onChoose={() => setStage({ at: 'connect', kind })}
            />
          ))}
          {onCancel && (
            <Button variant="subtle" color="gray" size="sm" onClick={onCancel}>
              {common.cancel}
            </Button>
          )}
        </Stack>
      )}
      {Connect && (
        <>
          <Connect {...{ client, email, mailed, onEnrolled }} />
          <Button variant="subtle" color="gray" size="sm" onClick={() => setStage({ at: 'method' })}>
            {common.back}
          </Button>
        </>
      )}
      {stage.at === 'codes' && (
        <BackupCodes codes={stage.codes} email={email} onSaved={() => onDone(stage.enrolled)} />
      )}
    </Stack>
  )
}
