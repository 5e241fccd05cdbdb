import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { digitsIn } from '../texts/code-lengths.ts'
import { useTexts } from '../texts/texts.tsx'
import { Failed, Loading } from '../ui/states.tsx'
import { useLoad } from '../ui/use-load.ts'
import { ConfirmCode } from './confirm-code.tsx'
import { CopyButton } from './copy-button.tsx'
import type { SetupStepProps } from './enrolled.ts'

/** Where the app is likely to be: nobody scans their own screen. */
const onPhone = matchMedia('(pointer: coarse)').matches

/** An authenticator app: the picture, or the secret, and a code that shows that it arrived. */
export function TotpSetup({ client, onEnrolled }: SetupStepProps) {
  const { setup, common } = useTexts()
  const texts = setup.totp
  const begun = useLoad('', () => client.call('POST /auth/mfa/enroll/totp', { body: { name: texts.name } }))
  if (begun.status === 'loading') return <Loading />
  if (begun.status === 'failed') return <Failed error={begun.error} onRetry={begun.reload} />
  const {
    enrolment_id: id,
    qr_code: picture,
    secret,
    provisioning_uri: uri,
    backup_codes: codes,
  } = begun.data
  return (
    <Stack gap="lg">
      {onPhone && (
        <Button component="a" href={uri}>
          {texts.open}
        </Button>
      )}
      <Text>{texts.scan}</Text>
      <div className="sp-pair">
        <img src={picture} alt={texts.qr} className="sp-qr" width={208} height={208} />
        <Stack gap="xs" align="flex-start">
          <Text fw={600} size="sm">
            {texts.secretTitle}
          </Text>
          <code className="sp-secret sp-mono">{secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
          <Group gap="sm">
            <CopyButton text={secret}>{common.copy}</CopyButton>
          </Group>
          {!onPhone && (
            <Anchor href={uri} size="sm">
              {texts.open}
            </Anchor>
          )}
        </Stack>
      </div>
      <Text>{texts.confirm}</Text>
      <ConfirmCode
        lengths={digitsIn(uri)}
        client={client}
        enrolmentId={id}
        onEnrolled={(enrolled) => onEnrolled(enrolled, codes)}
      />
    </Stack>
  )
}
