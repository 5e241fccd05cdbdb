import { Badge } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useTexts } from '../../texts/texts.tsx'

export type Policies = Omit<Answer<'GET /api/admin/policies'>, 'source'>
type Rule = Policies['rules'][number]
type Chain = NonNullable<Rule['chain']>

const colours = { allow: 'orange', deny: 'red', chain: 'accent' }

/** Rules in the order in which they are asked, each with its chain. */
export function RuleList({ policies }: { policies: Policies }) {
  const { policies: texts } = useTexts().admin
  return (
    <>
      <ol className="sp-list">
        {policies.rules.map((rule) => (
          <li key={rule.name} className="sp-row">
            <div>
              <div className="sp-row-title">
                {rule.name}
                <Badge variant="light" tt="none" color={colours[rule.action]}>
                  {texts.actions[rule.action]}
                </Badge>
              </div>
              <div className="sp-row-detail">
                {rule.when.length === 0
                  ? texts.always
                  : rule.when.map(({ name, expected }) => `${name}: ${expected}`).join(' · ')}
              </div>
              {rule.chain && <ChainPicture chain={rule.chain} tooFew={rule.too_few} />}
            </div>
          </li>
        ))}
      </ol>
      <p className="sp-empty sp-line">{texts.otherwise(texts.actions[policies.otherwise])}</p>
    </>
  )
}

/** The doors of a chain, one after the other. */
function ChainPicture({ chain, tooFew }: { chain: Chain; tooFew: Rule['too_few'] }) {
  const { admin, methods } = useTexts()
  const texts = admin.policies
  const { mode, required_steps: required, factors, on_failure: onFailure } = chain
  const nameOf = (kind: string) => methods[kind as keyof typeof methods]?.name ?? kind
  const facts = [
    texts.steps(required, factors.length),
    ...(factors.length > 1 ? [texts[mode]] : []),
    // With one step there is nowhere to go back to.
    ...(required > 1 ? [onFailure === 'reset' ? texts.resets : texts.retries] : []),
    ...(tooFew ? [texts.tooFew[tooFew]] : []),
  ]
  return (
    <>
      <ol className={`sp-chain ${mode}`}>
        {factors.map(({ id, label, any_of: kinds }) => (
          <li key={id}>
            <span className="sp-link-step">
              {label}
              <small>{kinds.map(nameOf).join(` ${texts.or} `)}</small>
            </span>
          </li>
        ))}
      </ol>
      <div className="sp-row-detail">{facts.join(' · ')}</div>
    </>
  )
}
