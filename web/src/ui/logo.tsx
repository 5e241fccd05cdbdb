/** The mark: two doors, the second behind the first. */
function LogoMark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-accent-7)" />
      <path d="M7.5 24.500V12a4.5 4.5 0 0 1 4.5-4.500h2v17z" fill="#fff" />
      <path d="M18 24.500v-17h2a4.5 4.5 0 0 1 4.5 4.500v12.5z" fill="#fff" fillOpacity=".55" />
      <circle cx="11.7" cy="16.5" r="1.25" fill="var(--mantine-color-accent-7)" />
    </svg>
  )
}

export function Logo() {
  return (
    <span className="sp-logo">
      <LogoMark size={30} />
      Sallyport
    </span>
  )
}
