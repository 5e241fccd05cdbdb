import type { ReactNode } from 'react'

/** Line icons on a grid of 24, drawn in the colour of the text around them. */
function icon(shape: ReactNode) {
  return function Icon({ size = 20 }: { size?: number }) {
    return (
      <svg
        {...{ width: size, height: size, viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor' }}
        {...{ strokeWidth: 1.8, strokeLinecap: 'round', strokeLinejoin: 'round', focusable: false }}
        aria-hidden="true"
      >
        {shape}
      </svg>
    )
  }
}

export const PhoneIcon = icon(
  <>
    <rect x="7" y="3" width="10" height="18" rx="2.5" />
    <path d="M11 17.5h2" />
  </>,
)
export const MailIcon = icon(
  <>
    <rect x="3" y="5.5" width="18" height="13" rx="2.5" />
    <path d="m4 7.5 8 6 8-6" />
  </>,
)
export const KeyIcon = icon(
  <>
    <circle cx="8" cy="15.5" r="4" />
    <path d="m11 12.5 8.5-8.500M16 7.500l2.5 2.5" />
  </>,
)
export const PasskeyIcon = icon(
  <>
    <circle cx="9.5" cy="7.5" r="3.5" />
    <path d="M3.5 20c0-3.5 2.5-6 6-6 1 0 2 .2 2.8.6" />
    <circle cx="17.5" cy="13" r="2.5" />
    <path d="M17.5 15.500V21l1.5-1.300M17.5 18.500h1.5" />
  </>,
)
export const ListIcon = icon(
  <>
    <rect x="4.5" y="3.5" width="15" height="17" rx="2.5" />
    <path d="M8.5 8.500h7M8.5 12h7M8.5 15.500h4" />
  </>,
)
export const UsbIcon = icon(
  <>
    <rect x="6" y="8.5" width="12" height="12.5" rx="2.5" />
    <path d="M9 8.500V3.500h6v5M11 5.800v.4M13 5.800v.4" />
    <circle cx="12" cy="14.5" r="1.8" />
  </>,
)
export const LifebuoyIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.5" />
    <circle cx="12" cy="12" r="3.5" />
    <path d="m6 6 3.5 3.500M14.5 14.5 18 18M18 6l-3.5 3.500M9.5 14.5 6 18" />
  </>,
)
export const LaptopIcon = icon(
  <>
    <rect x="5" y="5" width="14" height="10" rx="1.8" />
    <path d="M2.5 18.500h19" />
  </>,
)
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.500L19 7.5" />)
export const AlertIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7.500v5.500M12 16.300v.2" />
  </>,
)
export const ShieldIcon = icon(<path d="M12 3.5 5 6v5.500c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9V6z" />)
export const SunIcon = icon(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.500M12 19.500V21M3 12h1.500M19.5 12H21M5.6 5.600l1.1 1.100M17.3 17.300l1.1 1.100M5.6 18.400l1.1-1.100M17.3 6.700l1.1-1.1" />
  </>,
)
export const MoonIcon = icon(<path d="M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10z" />)
export const ChevronIcon = icon(<path d="m9.5 6 6 6-6 6" />)
export const CopyIcon = icon(
  <>
    <rect x="8.5" y="8.5" width="11" height="11.5" rx="2.2" />
    <path d="M15.5 5.500A2 2 0 0 0 13.5 4h-7a2 2 0 0 0-2 2v8a2 2 0 0 0 1.5 2" />
  </>,
)
export const DownloadIcon = icon(<path d="M12 4v11M7.5 11l4.5 4.5 4.5-4.500M5 20h14" />)
export const PrintIcon = icon(
  <>
    <path d="M7.5 8V4h9v4M7.5 17H5.500a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2h13a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2h-2" />
    <rect x="7.5" y="13.5" width="9" height="6.5" rx="1" />
  </>,
)
export const PenIcon = icon(<path d="M4.5 19.5 5.5 15 16 4.500l3.5 3.500L9 18.500zM13.5 7l3.5 3.5" />)
export const BinIcon = icon(
  <path d="M5 7h14M10 7V4.500h4V7M7 7l.8 12a1.5 1.5 0 0 0 1.5 1.400h5.400a1.5 1.5 0 0 0 1.5-1.400L17 7M10.5 11v5.500M13.5 11v5.5" />,
)
export const PersonIcon = icon(
  <>
    <circle cx="12" cy="8" r="4" />
    <path d="M4.5 20.500c.5-4 3.5-6 7.5-6s7 2 7.5 6" />
  </>,
)
