import { KeyIcon, LifebuoyIcon, ListIcon, MailIcon, PasskeyIcon, PhoneIcon, UsbIcon } from './icons.tsx'

const icons = {
  totp: PhoneIcon,
  email: MailIcon,
  backup: ListIcon,
  yubikey: UsbIcon,
  webauthn: PasskeyIcon,
  pass: LifebuoyIcon,
  password: KeyIcon,
}

export function MethodIcon({ method }: { method: keyof typeof icons }) {
  const Icon = icons[method]
  return (
    <span className="sp-choice-icon">
      <Icon />
    </span>
  )
}
