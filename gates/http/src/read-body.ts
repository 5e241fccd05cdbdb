import type { GateContext } from './context.ts'
import { Refusal } from './refusal.ts'

const largestBody = 64 * 1024
const mostDiscarded = 8 * 1024 * 1024

/**
 * A body of at most 64 KiB as text. A larger one is read to its end and thrown away, since clients that
 * are still sending when the connection closes never see the answer; an endless one is cut off.
 */
export async function readBody(context: GateContext): Promise<string | Refusal> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of context.req.raw.body ?? []) {
      size += chunk.length
      if (size <= largestBody) chunks.push(chunk)
      if (size > mostDiscarded) break
    }
  } catch {
    return new Refusal('invalid_input', 'the request broke off amid its body')
  }
  if (size <= largestBody) return Buffer.concat(chunks).toString('utf8')
  if (size > mostDiscarded) context.header('connection', 'close')
  return new Refusal('payload_too_large', 'a request body has at most 64 KiB')
}
