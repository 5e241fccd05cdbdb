import { Readable } from 'node:stream'
import type { GateContext } from './context.ts'
import { Refusal } from './refusal.ts'

const largestBody = 64 * 1024
const mostDiscarded = 8 * 1024 * 1024

/**
 * A body of at most 64 KiB as text. A larger one is read to its end and thrown away, since clients that
 * are still sending when the connection closes never see the answer; an endless one is cut off.
 */
export async function readBody(context: GateContext): Promise<string | Refusal> {
  // Not through the framework, which would wrap Node's stream in one of the web's: ten times the work.
  const incoming = context.env?.incoming ?? Readable.from(context.req.raw.body ?? [])
  const chunks: Buffer[] = []
  let size = 0
  const came = await new Promise<boolean>((resolve) => {
    // Whoever went away before now is not announced again.
    if (incoming.destroyed) resolve(false)
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= largestBody) chunks.push(chunk)
      if (size <= mostDiscarded) return
      incoming.pause()
      resolve(true)
    })
    incoming.once('end', () => resolve(true))
    incoming.once('error', () => resolve(false))
    incoming.once('close', () => resolve(false))
  })
  if (!came) return new Refusal('invalid_input', 'the request broke off amid its body')
  if (size <= largestBody) return Buffer.concat(chunks).toString('utf8')
  if (size > mostDiscarded) context.header('connection', 'close')
  return new Refusal('payload_too_large', 'a request body has at most 64 KiB')
}
