import type { HttpBindings } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { problem } from './problem.ts'

const largestBody = 64 * 1024
const mostDiscarded = 8 * 1024 * 1024

export interface DemoEnv {
  Bindings: HttpBindings
  Variables: { body: string }
}

/**
 * Keeps a body of at most 64 KiB as `body`. A larger one is read to its end and thrown away, since clients
 * that are still sending when the connection closes never see the answer; an endless one is cut off.
 */
export const keepBody: MiddlewareHandler<DemoEnv> = async (context, next) => {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of context.req.raw.body ?? []) {
      size += chunk.length
      if (size <= largestBody) chunks.push(chunk)
      if (size > mostDiscarded) break
    }
  } catch {
    return problem('invalid_input', 'the request broke off amid its body')
  }
  if (size > largestBody) {
    const reply = problem('payload_too_large', 'a request body has at most 64 KiB')
    if (size > mostDiscarded) reply.headers.set('connection', 'close')
    return reply
  }
  context.set('body', Buffer.concat(chunks).toString('utf8'))
  return next()
}
