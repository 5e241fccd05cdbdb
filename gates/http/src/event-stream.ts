import type { GateContext } from './context.ts'
import { Refusal } from './refusal.ts'

const lookEvery = 500
const beatEvery = 15_000
const eventsAtOnce = 200
const mostListeners = 100
/** So that one key, or one person, leaves places for others. */
const mostOfOne = 10
/** What a slow reader may leave unread, in pieces; the rest waits in the database. */
const unread = 16

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

/** Where events are kept, in the order of their numbers. */
export interface EventSource<E> {
  last(): Promise<number>
  /** After which of them somebody begins who was not here before; left out, after the last one. */
  start?(): Promise<number>
  after(id: number, most: number): Promise<E[]>
}

export interface Listener<E> {
  who: string
  /** An event in one line, as this listener may see it. */
  write(event: E): string
  /** Asked before anything is sent: whoever signed out hears no more. */
  isAllowed(): Promise<boolean>
}

interface Connection<E> extends Listener<E> {
  reached: number
  controller: ReadableStreamDefaultController<Uint8Array>
  beatAt: number
}

export interface EventStream<E> {
  open(context: GateContext, listener: Listener<E>): Promise<Response | Refusal>
  /** Ends every stream, so that a stop waits for none of them. */
  stop(): void
}

/**
 * Events as they are stored, on whichever node they happened: the database is looked at now and then, while
 * anybody listens. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function createEventStream<E extends { id: number }>(source: EventSource<E>): EventStream<E> {
  const connections = new Set<Connection<E>>()
  const encoder = new TextEncoder()
  let timer: NodeJS.Timeout | null = null
  let looking = false

  function tooMany(who: string): Refusal | null {
    const own = [...connections].filter((one) => one.who === who).length
    const most =
      own >= mostOfOne ? `${mostOfOne} of yours` : connections.size >= mostListeners && mostListeners
    return most
      ? new Refusal('too_many_attempts', `${most} listen already: end one`, { retryAfter: 60 })
      : null
  }

  async function open({ req }: GateContext, listener: Listener<E>): Promise<Response | Refusal> {
    // Browsers ask so; anybody else would wait for an end that never comes.
    if (!(req.header('accept') ?? '').includes('text/event-stream')) {
      return new Refusal('invalid_input', 'this is a stream: send `Accept: text/event-stream`')
    }
    // What answers HEAD is thrown away, and would be waited for without end.
    if (req.method === 'HEAD') return new Response(null, { headers })
    const last = await source.last()
    const refusal = tooMany(listener.who)
    if (refusal) return refusal
    const reached = req.header('last-event-id') ?? ''
    const asked = /^\d{1,15}$/.test(reached) ? Number(reached) : ((await source.start?.()) ?? last)
    let connection: Connection<E> | undefined
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const beatAt = performance.now()
          connection = { ...listener, reached: Math.min(asked, last), controller, beatAt }
          connections.add(connection)
          controller.enqueue(encoder.encode('retry: 2000\n: listening\n\n'))
        },
        cancel: () => {
          if (connection) drop(connection)
        },
      },
      { highWaterMark: unread },
    )
    timer ??= setInterval(() => void look(), lookEvery).unref()
    return new Response(body, { headers })
  }

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      const last = await source.last()
      for (const connection of connections) await serve(connection, last)
    } catch {
      // The database does not answer: they hear of it later, and miss nothing.
    } finally {
      looking = false
    }
  }

  async function serve(connection: Connection<E>, last: number): Promise<void> {
    const { controller, reached } = connection
    const now = performance.now()
    const beats = now - connection.beatAt >= beatEvery
    const hears = reached < last && (controller.desiredSize ?? 0) > 0
    if (!beats && !hears) return
    const allowed = await connection.isAllowed()
    if (!connections.has(connection)) return
    if (!allowed) {
      controller.close()
      return drop(connection)
    }
    if (beats) {
      connection.beatAt = now
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': still here\n\n'))
    }
    if (!hears) return
    const events = await source.after(reached, eventsAtOnce)
    if (!connections.has(connection) || events.length === 0) return
    const text = events.map((event) => `id: ${event.id}\ndata: ${connection.write(event)}\n\n`).join('')
    connection.reached = events.at(-1)!.id
    controller.enqueue(encoder.encode(text))
  }

  function drop(connection: Connection<E>): void {
    connections.delete(connection)
    if (connections.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    open,
    stop() {
      for (const connection of connections) {
        connection.controller.close()
        drop(connection)
      }
    },
  }
}
