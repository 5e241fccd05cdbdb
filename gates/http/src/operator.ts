import type { GateApp } from './context.ts'
import type { Metrics } from './metrics.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import type { GateConfig, GateServices } from './services.ts'
import type { Tokens } from './tokens.ts'
import { welcomePage, welcomeStyle } from './welcome-page.ts'

/** What stands beside the surfaces, for those who run the product. */
export function registerOperator(
  app: GateApp,
  parts: { config: GateConfig; services: GateServices; metrics: Metrics; tokens: Tokens },
): void {
  const { config, services, metrics, tokens } = parts
  const { version } = config
  const names = Object.keys(services.readiness)

  app.get('/healthz', (context) => context.json({ status: 'alive', version }))
  app.get('/readyz', async (context) => {
    const results = await Promise.allSettled(names.map((name) => services.readiness[name]!()))
    const failed = names.filter((_, index) => results[index]?.status === 'rejected')
    if (failed.length > 0)
      return answerRefusal(new Refusal('not_ready', `not able to work: ${failed.join(', ')}`))
    return context.json({ status: 'ready', checks: Object.fromEntries(names.map((name) => [name, 'ok'])) })
  })
  app.get('/.well-known/jwks.json', async (context) => {
    context.header('cache-control', 'public, max-age=300')
    return context.json(await tokens.keySet())
  })
  app.get('/metrics', async (context) =>
    context.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
  app.get('/welcome.css', (context) => context.text(welcomeStyle, 200, { 'content-type': 'text/css' }))
  app.get('/', (context) => context.html(welcomePage(version)))
}
