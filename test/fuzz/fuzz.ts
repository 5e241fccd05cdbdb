import { readFileSync } from 'node:fs'
import type { OpenApi } from '@sallyport/protocol'
import { faultsOf } from './json-schema.ts'
import { openRawConnection, type RawAnswer } from './raw-connection.ts'
import { createRequestGenerator, type FuzzRequest, type World } from './request-generator.ts'

export interface FuzzOptions {
  url: string
  /** The server's process, whose memory is watched. */
  pid: number
  document: OpenApi
  requests: number
  connections: number
  seed: number
  share: (path: string) => number
  /** Opens new doors: some requests close those that they were let in by. */
  renewWorld: () => Promise<World>
}

export interface FuzzReport {
  requests: number
  seconds: number
  statuses: Record<string, number>
  /** The calls of the document that were answered 200 at least once. */
  reached: string[]
  /** Requests answered by 5xx or not at all, and answers that are not as the document says. */
  faults: string[]
  /** Resident memory in MB over the run, at even distances. */
  memory: number[]
}

const worldLasts = 4_000
const samples = 50

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { url, pid, document, requests, connections, renewWorld } = options
  const generator = createRequestGenerator(options)
  const port = Number(new URL(url).port)
  const statuses: Record<string, number> = {}
  const faults = new Map<string, string>()
  const reached = new Set<string>()
  const memory: number[] = []
  let world = await renewWorld()
  let renewing: Promise<void> | null = null
  let sent = 0

  const renew = async () => {
    world = await renewWorld()
  }
  const walk = async () => {
    const connection = openRawConnection(port)
    while (sent < requests) {
      const count = sent++
      if (count % Math.floor(requests / samples) === 0) memory.push(residentMegabytes(pid))
      if (count % worldLasts === worldLasts - 1) renewing = renew()
      await renewing
      const request = generator.next(world)
      const answer = await connection.send(request.bytes, { head: request.method === 'HEAD' })
      const status = String(answer?.status ?? 'closed')
      statuses[status] = (statuses[status] ?? 0) + 1
      if (answer?.status === 200 && request.operation) reached.add(request.operation.operationId)
      const fault = judge(request, answer, document)
      if (fault !== null && !faults.has(fault)) faults.set(fault, request.bytes.toString('latin1', 0, 1_500))
    }
    connection.close()
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: connections }, walk))
  const seconds = (performance.now() - began) / 1_000
  return {
    requests,
    seconds,
    statuses,
    reached: [...reached].sort(),
    faults: [...faults].map(([fault, bytes]) => `${fault}\n${bytes}`),
    memory,
  }
}

/** What Node's own parser answers before the product sees anything of a request. */
const byTheParser = new Set([400, 431])

/** What is wrong with an answer; `null` when nothing is. */
function judge(request: FuzzRequest, answer: RawAnswer | null, document: OpenApi): string | null {
  if (!answer) return 'no answer'
  const { operation } = request
  const { status, headers, body } = answer
  if (status >= 500) return `${status} ${body.slice(0, 200)}`
  if (byTheParser.has(status) && body === '') return null
  if (!headers.has('content-security-policy')) return `${status} without the security headers`
  if (!operation) return null
  const described = operation.responses[status]
  if (!described) return `${operation.operationId} answers ${status} ${body.slice(0, 200)}`
  const media = headers.get('content-type')?.split(';')[0] ?? ''
  const schema = described.content[media]?.schema
  if (!schema) return `${operation.operationId} answers ${status} as ${media}`
  const value: unknown = /[/+]json$/.test(media) ? JSON.parse(body) : body
  const wrong = faultsOf(value, schema, { document, closed: status === 200 })
  return wrong.length === 0 ? null : `${operation.operationId} answers ${status} with ${wrong.join('; ')}`
}

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1_024
}
