import { useTexts } from '../texts/texts.tsx'
import type { Chain } from './attempt.ts'

/** Which of the chain's steps comes now, in words and as doors. */
export function ChainProgress({ chain: { step, of, label } }: { chain: Chain }) {
  const { verify } = useTexts()
  return (
    <div className="sp-chain">
      <div className="sp-chain-doors" aria-hidden="true">
        {Array.from({ length: of }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
          <span
            className="sp-door"
            key={index}
            data-state={index + 1 < step ? 'passed' : index + 1 === step ? 'now' : 'ahead'}
          />
        ))}
      </div>
      <span>
        <strong>{verify.step(step, of)}</strong> · {label}
      </span>
    </div>
  )
}
