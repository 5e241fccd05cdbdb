import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  contentType: string
  text(): Promise<string>
  /** Call when a request starts; call what it returns when the request is answered. */
  started(): (answer: { method: string; status: number }) => void
  /** Counts a request that a block refused. */
  blocked(kind: string): void
  /** A figure that is read when the metrics are. */
  figure(name: string, help: string, read: () => number): void
}

/** A gauge with one value a label, read when it is asked for. */
export interface Measure {
  name: string
  help: string
  label: string
  read(): Promise<Readonly<Record<string, number>>>
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Prometheus metrics of this process. Labels are few and bounded: none comes from a client as it was sent. */
export function createMetrics(version: string, measures: readonly Measure[] = []): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const build = new Gauge({
    name: 'sallyport_build_info',
    help: 'The running version',
    labelNames: ['version'],
    registers: [registry],
  })
  build.set({ version }, 1)
  const duration = new Histogram({
    name: 'sallyport_http_request_duration_seconds',
    help: 'Time from request to answer',
    labelNames: ['method', 'status'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  })
  for (const { name, help, label, read } of measures) {
    new Gauge({
      ...{ name, help, labelNames: [label], registers: [registry] },
      async collect() {
        this.reset()
        // What cannot be read now is left out, and takes nothing else with it.
        const values = await read().catch(() => ({}))
        for (const [labelled, value] of Object.entries(values)) this.set({ [label]: labelled }, value)
      },
    })
  }
  const blocked = new Counter({
    name: 'sallyport_blocked_requests_total',
    help: 'Requests refused because their address is blocked',
    labelNames: ['kind'],
    registers: [registry],
  })
  return {
    blocked: (kind) => blocked.inc({ kind }),
    figure(name, help, read) {
      new Gauge({
        ...{ name, help, registers: [registry] },
        collect() {
          this.set(read())
        },
      })
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
    started: () => {
      const stop = duration.startTimer()
      return ({ method, status }) => stop({ method: knownMethods.has(method) ? method : 'other', status })
    },
  }
}
