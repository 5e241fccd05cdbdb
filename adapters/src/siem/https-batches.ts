import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { SiemTransport } from '@sallyport/core'
import { type SiemTls, siemError, strictTls, unavailable } from './tls-files.ts'

export interface HttpsBatchesOptions {
  url: string
  tls: SiemTls
  /** Sent as a bearer token. */
  token?: string
}

/** Each batch is one POST of a JSON array, and an answer of 2xx confirms it. Redirections are not followed. */
export function createHttpsBatches({ url, tls, token }: HttpsBatchesOptions): SiemTransport {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...strictTls(tls) })
  const { host } = new URL(url)
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }

  function post(body: string, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = { 'content-length': Buffer.byteLength(body) }
      const call = request(url, { method: 'POST', agent, signal, headers: { ...headers, ...length } })
      call.once('error', reject)
      call.once('response', (answer: IncomingMessage) => {
        answer.once('error', reject)
        answer.once('end', () => resolve(answer.statusCode!))
        answer.resume()
      })
      call.end(body)
    })
  }

  return {
    limits: { events: 200, bytes: 1_000_000 },
    async deliver(lines, signal) {
      const status = await post(`[${lines.join(',')}]`, signal).catch((error: unknown) => {
        throw unavailable(host, error)
      })
      if (status >= 200 && status < 300) return
      throw siemError(host, `it answered ${status}`, mendOf(status))
    },
  }
}

function mendOf(status: number): string {
  if (status === 401 || status === 403) return 'see siem.token_file and the client certificate'
  if (status >= 300 && status < 400)
    return 'name in siem.address where it leads to: redirections are not followed'
  if (status === 404 || status === 405) return 'see the path in siem.address'
  return 'see the receiver’s own log'
}
