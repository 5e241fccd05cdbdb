import { useId } from 'react'

interface CodeFieldProps {
  label: string
  value: string
  /** How many digits a code may have. */
  lengths: readonly number[]
  onChange(code: string): void
  /** All digits are there: typed, pasted, or filled in by the phone. */
  onComplete(code: string): void
  invalid?: boolean
  busy?: boolean
}

/** One field, so that paste, autofill and screen readers find what they know; a place to look at for each digit. */
export function CodeField({
  label,
  value,
  lengths,
  onChange,
  onComplete,
  invalid = false,
  busy = false,
}: CodeFieldProps) {
  const id = useId()
  const most = Math.max(...lengths)
  const places = Array.from({ length: most }, (_, place) => place)
  const onInput = (text: string) => {
    const code = text.replaceAll(/\D/g, '').slice(0, most)
    onChange(code)
    // A shorter one may be half of a longer one: that is for the button to say.
    if (code.length === most && code !== value) onComplete(code)
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
        {...(most > 6 && { 'data-long': true })}
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
            className={place === Math.min(value.length, most - 1) ? 'next' : undefined}
          >
            {value[place] ?? ''}
          </span>
        ))}
      </div>
    </div>
  )
}
