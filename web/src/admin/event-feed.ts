import type { Client } from '@sallyport/sdk'

interface FeedOptions<E> {
  client: Client
  /** Where the events come from. */
  path: string
  signal: AbortSignal
  /** The last event that is known already; left out, only what happens from now on is told. */
  after?: number
  onEvent(event: E): void
  onState(listening: boolean): void
}

const pause = 2_000

/**
 * What happens, as it happens, by server-sent events. A line that breaks is taken up again after the last
 * event that came, which an `EventSource` could not do once its session's token had to be renewed.
 */
export async function followEvents<E extends { id: number }>(options: FeedOptions<E>): Promise<void> {
  const { client, path, signal, after, onEvent, onState } = options
  let last = after
  while (!signal.aborted) {
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(last !== undefined && { 'last-event-id': String(last) }),
      }
      const answer = await fetch(path, { headers, signal, cache: 'no-store' })
      if (answer.ok && answer.body) {
        onState(true)
        for await (const data of readEvents(answer.body)) {
          const event = JSON.parse(data) as E
          last = Math.max(last ?? 0, event.id)
          onEvent(event)
        }
      } else if (answer.status === 401) {
        // Renews the token, or says that the session is over.
        await client.call('GET /auth/me')
      }
    } catch {
      // The line broke, or this page was left.
    }
    onState(false)
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}

/** The `data` of each event. https://html.spec.whatwg.org/multipage/server-sent-events.html */
async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let waiting = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (waiting + value).split('\n\n')
    waiting = blocks.pop()!
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data: '))
      if (data.length > 0) yield data.map((line) => line.slice('data: '.length)).join('\n')
    }
  }
}
