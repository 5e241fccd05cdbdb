import { Button } from '@mantine/core'
import type { Body } from '@sallyport/sdk'
import { useEffect } from 'react'
import { anonymous } from '../session/pages-client.ts'
import { useTexts } from '../texts/texts.tsx'
import { PasskeyIcon } from '../ui/icons.tsx'
import { ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import { askForKey, isNotTaken, isSuperseded, knowsAutofill, stopAsking } from './keys.ts'

/** Signing in by a passkey alone: by this button, or from what the browser offers in the field above. */
export function PasskeyButton({ onGranted }: { onGranted(): Promise<void> }) {
  const { signIn } = useTexts()
  const signInBy = async (how: { autofill: boolean }) => {
    try {
      const options = await anonymous.call('POST /auth/passkey/options', { body: {} })
      const response = await askForKey(options, how)
      const body: Body<'POST /auth/passkey/verify'> = { response }
      await anonymous.call('POST /auth/passkey/verify', { body })
    } catch (error) {
      // What the browser offered by itself was not taken: nobody asked for it.
      if (isSuperseded(error) || (how.autofill && isNotTaken(error))) return
      throw error
    }
    await onGranted()
  }
  const pressed = useAction(() => signInBy({ autofill: false }))
  const offered = useAction(async () => {
    if (await knowsAutofill()) await signInBy({ autofill: true })
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: offered once, when the page is drawn
  useEffect(() => {
    void offered.run()
    return () => void stopAsking()
  }, [])
  return (
    <>
      <div className="sp-or">{signIn.or}</div>
      <ProblemAlert error={pressed.error ?? offered.error} />
      <Button
        variant="default"
        fullWidth
        loading={pressed.busy}
        leftSection={<PasskeyIcon />}
        onClick={() => void pressed.run()}
      >
        {signIn.passkey}
      </Button>
    </>
  )
}
