interface StatProps {
  name: string
  figure: string | number
  hint?: string
}

/** One figure, with what it counts. */
export function Stat({ name, figure, hint }: StatProps) {
  return (
    <div className="sp-surface sp-stat">
      <dt>{name}</dt>
      <dd>
        <div className="sp-stat-figure">{figure}</div>
        {hint !== undefined && <div className="sp-stat-hint">{hint}</div>}
      </dd>
    </div>
  )
}
