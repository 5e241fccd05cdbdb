import { useTexts } from '../../texts/texts.tsx'
import { Section } from '../../ui/section.tsx'
import type { ThreatEvent } from './live-section.tsx'

/** How much the detector thought of what came in, by category; nothing where it saw nothing. */
export function CategorySection({ events }: { events: ThreatEvent[] }) {
  const { threats: texts } = useTexts().admin
  const scores = new Map<string, number>()
  for (const { details } of events) {
    const { score, categories } = details
    if (typeof score !== 'number' || !Array.isArray(categories)) continue
    for (const category of categories.map(String))
      scores.set(category, Math.max(score, scores.get(category) ?? 0))
  }
  if (scores.size === 0) return null
  return (
    <Section title={texts.categories} lead={texts.categoriesLead}>
      <table className="sp-table">
        <tbody>
          {[...scores]
            .sort(([, a], [, b]) => b - a)
            .map(([category, score]) => (
              <tr key={category}>
                <td>{category}</td>
                <td>
                  {score}
                  <div className="sp-bar">
                    <span style={{ width: `${Math.min(100, score)}%` }} />
                  </div>
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </Section>
  )
}
