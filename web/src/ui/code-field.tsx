import { useId } from 'react'

const places = [0, 1, 2, 3, 4, 5]

interface CodeFieldProps {
  label: string
  value: string
  onChange(code: string): void
  /** Six digits are there: typed, pasted, or filled in by the phone. */
  onComplete(code: string): void
  invalid?: boolean
  busy?: boolean
}

/** One field, so that paste, autofill and screen readers find what they know; six places to look at. */
export function CodeField({
  label,
  value,
  onChange,
  onComplete,
  invalid = false,
  busy = false,
}: CodeFieldProps) {
  const id = useId()
  const onInput = (text: string) => {
    const code = text.replaceAll(/\D/g, '').slice(0, places.length)
    onChange(code)
    if (code.length === places.length && code !== value) onComplete(code)
  }
  return (
    <div>
      <label htmlFor={id} className="sp-label">
        {label}
      </label>
      <div
        className={`sp-code${invalid ? ' sp-shake' : ''}`}
        {...(invalid && { 'data-invalid': true })}
        {...(busy && { 'data-busy': true })}
      >
        <input
          {...{ id, value, inputMode: 'numeric', autoComplete: 'one-time-code', spellCheck: false }}
          aria-invalid={invalid}
          readOnly={busy}
          // biome-ignore lint/a11y/noAutofocus: the code is what this page or dialog is for
          autoFocus
          data-autofocus
          onChange={(event) => onInput(event.currentTarget.value)}
        />
        {places.map((place) => (
          <span
            key={place}
            aria-hidden="true"
            className={place === Math.min(value.length, places.length - 1) ? 'next' : undefined}
          >
            {value[place] ?? ''}
          </span>
        ))}
      </div>
    </div>
  )
}
