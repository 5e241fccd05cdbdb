import { LaptopIcon, PhoneIcon } from './icons.tsx'

/** What a browser runs on, by its name as the server gives it: "Safari on iPhone". */
export function DeviceIcon({ browser }: { browser: string }) {
  return (
    <span className="sp-choice-icon">
      {/ on (?:Android|iPhone|iPad)$/.test(browser) ? <PhoneIcon /> : <LaptopIcon />}
    </span>
  )
}
