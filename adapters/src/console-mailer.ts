import type { Mailer } from '@sallyport/core'

const rule = '='.repeat(78)

/** For trying things out: letters are printed, codes and all, for whoever sees the console. */
export function createConsoleMailer({
  print = console.log,
}: {
  print?: (text: string) => void
} = {}): Mailer {
  return {
    async send({ to, subject, text }) {
      print(
        [
          rule,
          'DEVELOPMENT MODE: no mail server is configured, so this mail was NOT SENT.',
          'Anyone who reads this console can use what it says. Configure "mail" before going live.',
          rule,
          `To: ${to}`,
          `Subject: ${subject}`,
          '',
          text.trimEnd(),
          rule,
        ].join('\n'),
      )
    },
  }
}
