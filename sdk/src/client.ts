import type { Problem } from '@sallyport/protocol'
import type { Answer, Call, Request } from './calls.ts'
import { ProblemError } from './problem-error.ts'

export interface ClientOptions {
  /** Where the server is; its own origin when left out, as for a page that it serves. */
  baseUrl?: string
  /** An API key or access token, asked for at each call; pages that use the session's cookie give none. */
  token?: () => string | null
  fetch?: typeof fetch
}

type Rest<C extends Call> =
  Record<string, never> extends Request<C> ? [request?: Request<C>] : [request: Request<C>]

export interface Client {
  /** Makes one call; rejects with a `ProblemError` when the server says no, or cannot be reached. */
  call<C extends Call>(name: C, ...rest: Rest<C>): Promise<Answer<C>>
}

type Parts = { params?: object; query?: object; body?: object; signal?: AbortSignal }

export function createClient(options: ClientOptions = {}): Client {
  const { baseUrl = '', token = () => null } = options
  const send = options.fetch ?? ((...args: Parameters<typeof fetch>) => fetch(...args))

  async function call<C extends Call>(name: C, ...[request]: Rest<C>): Promise<Answer<C>> {
    const { params = {}, query = {}, body, signal } = (request ?? {}) as Parts
    const [method, path] = name.split(' ') as [string, string]
    const bearer = token()
    const headers = {
      accept: 'application/json',
      ...(method !== 'GET' && { 'content-type': 'application/json' }),
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
    }
    const init: RequestInit = { method, headers, ...(signal && { signal }) }
    if (method !== 'GET') init.body = JSON.stringify(body ?? {})
    const response = await send(`${baseUrl}${fill(path, params)}${search(query)}`, init).catch(unreachable)
    if (!response.ok) throw new ProblemError(await readProblem(response))
    return (await response.json()) as Answer<C>
  }

  return { call }
}

function fill(path: string, params: object): string {
  const values = params as Record<string, string>
  return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

function search(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)])))}`
}

function unreachable(error: unknown): never {
  if (error instanceof DOMException && error.name === 'AbortError') throw error
  throw new ProblemError({ status: 0, code: 'unreachable', detail: 'the server cannot be reached' }, error)
}

async function readProblem(response: Response): Promise<Partial<Problem>> {
  const fallback = { status: response.status, code: 'internal' as const, detail: response.statusText }
  const read = await response.json().catch(() => ({}))
  return { ...fallback, ...(read as Partial<Problem>) }
}
