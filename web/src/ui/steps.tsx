import { useTexts } from '../texts/texts.tsx'

/** Which of several steps comes now, in words and as doors. */
export function Steps({ step, of, label }: { step: number; of: number; label: string }) {
  const { common } = useTexts()
  const places = Array.from({ length: of }, (_, index) => index + 1)
  return (
    <div className="sp-steps">
      <div className="sp-doors" aria-hidden="true">
        {places.map((place) => (
          <span
            key={place}
            className="sp-door"
            data-state={place < step ? 'passed' : place === step ? 'now' : 'ahead'}
          />
        ))}
      </div>
      <span>
        <strong>{common.step(step, of)}</strong> · {label}
      </span>
    </div>
  )
}
