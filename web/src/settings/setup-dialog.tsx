import { useMe, useSession } from '../session/session.tsx'
import { SetupWizard } from '../setup/setup-wizard.tsx'
import { useTexts } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import type { Status } from './status.ts'

/** The wizard over the settings. Whatever it needs fresh proof for is asked above it. */
export function SetupDialog({ status, onClose }: { status: Status; onClose(): void }) {
  const { security } = useTexts()
  const { client } = useSession()
  const { email } = useMe()
  const once = status.factors.filter(({ type }) => type === 'email').map(({ type }) => type)
  return (
    <Dialog wide untitled onClose={onClose} title={security.addTitle}>
      <SetupWizard
        inDialog
        client={client}
        email={email}
        without={once}
        hasCodes={status.factors.some(({ type }) => type === 'backup')}
        onDone={onClose}
        onCancel={onClose}
      />
    </Dialog>
  )
}
