import type { Config } from './config.ts'

const hidden = '(not shown)'

/** The settings in force, as an administrator may see them: without whatever is a secret, or may hold one. */
export function settingsShown(config: Config): Record<string, unknown> {
  const { store, vault, mail, security } = config
  const url = store.url === undefined ? {} : { url: hidden }
  const command = vault.command === undefined ? {} : { command: [hidden] }
  const password = mail.smtp?.password === undefined ? {} : { password: hidden }
  const { yubikey } = security.mfa
  const apiKey = yubikey.api_key === undefined ? {} : { api_key: hidden }
  return {
    ...config,
    store: { ...store, ...url },
    vault: { ...vault, ...command },
    security: { ...security, mfa: { ...security.mfa, yubikey: { ...yubikey, ...apiKey } } },
    mail: { ...mail, ...(mail.smtp && { smtp: { ...mail.smtp, ...password } }) },
  }
}
