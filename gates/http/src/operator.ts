import { createOpenApi, operatorRoutes, type Route } from '@sallyport/protocol'
import type { GateApp } from './context.ts'
import { docsPage } from './docs-page.ts'
import { docsStyle } from './docs-style.ts'
import type { Metrics } from './metrics.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import type { GateConfig, GateServices } from './services.ts'
import type { Tokens } from './tokens.ts'
import { welcomePage, welcomeStyle } from './welcome-page.ts'

/** What stands beside the surfaces, for those who run the product. */
export function registerOperator(
  app: GateApp,
  parts: {
    config: GateConfig
    services: GateServices
    metrics: Metrics
    tokens: Tokens
    /** What the surfaces serve. */
    served: readonly Route[]
  },
): void {
  const { config, services, metrics, tokens, served } = parts
  const { version } = config
  const names = Object.keys(services.readiness)

  app.get(operatorRoutes.health.path, (context) => context.json({ status: 'alive', version }))
  app.get(operatorRoutes.readiness.path, async (context) => {
    const results = await Promise.allSettled(names.map((name) => services.readiness[name]!()))
    const failed = names.filter((_, index) => results[index]?.status === 'rejected')
    if (failed.length > 0)
      return answerRefusal(context, new Refusal('not_ready', `not able to work: ${failed.join(', ')}`))
    return context.json({ status: 'ready', checks: Object.fromEntries(names.map((name) => [name, 'ok'])) })
  })
  app.get(operatorRoutes.keySet.path, async (context) => {
    context.header('cache-control', 'public, max-age=300')
    return context.json(await tokens.keySet())
  })
  app.get(operatorRoutes.metrics.path, async (context) =>
    context.text(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
  // Made when first asked for, so that no start waits for it.
  const routes = () => [...served, ...Object.values(operatorRoutes)]
  const document = once(() => createOpenApi({ version, routes: routes() }))
  const documentText = once(() => JSON.stringify(document()))
  const page = once(() => docsPage(document()))
  app.get(operatorRoutes.openApi.path, (context) =>
    context.body(documentText(), 200, { 'content-type': 'application/json' }),
  )
  app.get('/docs', (context) => context.html(page()))
  app.get('/docs.css', (context) => context.text(docsStyle, 200, { 'content-type': 'text/css' }))
  app.get('/welcome.css', (context) => context.text(welcomeStyle, 200, { 'content-type': 'text/css' }))
  if (config.pages === null) app.get('/', (context) => context.html(welcomePage(version)))
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
