import { once } from 'node:events'
import { connect } from 'node:net'

export interface Answer {
  status: number
  headers: string
  body: string
}

/** One keep-alive connection. */
export interface Connection {
  /** Sends a whole request and waits for its whole answer; one at a time. */
  ask(request: string): Promise<Answer>
  close(): void
}

/**
 * The least a client can do, so that the load generator is not what is measured: the request was written
 * beforehand, and of the answer only its end is looked for. It reads what the servers measured here send.
 */
export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  let received = ''
  let waiting: PromiseWithResolvers<Answer> | null = null
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received = received === '' ? chunk : received + chunk
    const answer = readAnswer(received)
    if (!answer) return
    received = ''
    waiting?.resolve(answer)
  })
  const fail = () => waiting?.reject(new Error(`the server closed the connection, after "${received}"`))
  socket.on('error', fail).on('close', fail)
  return {
    ask(request) {
      waiting = Promise.withResolvers()
      socket.write(request)
      return waiting.promise
    },
    close: () => socket.destroy(),
  }
}

export function openConnections(url: string, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => openConnection(url)))
}

/** A request as it goes over the wire. */
export function requestOf(request: {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: object
}): string {
  const { method, path, headers = {}, body } = request
  const text = body && JSON.stringify(body)
  const all = {
    host: 'bench.example',
    ...headers,
    ...(text && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text ?? ''}`
}

/** `null` while more of it is to come. */
export function readAnswer(text: string): Answer | null {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const headers = text.slice(0, end)
  const rest = text.slice(end + 4)
  const status = Number(headers.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(headers)?.[1]
  if (length !== undefined) return rest.length < Number(length) ? null : { status, headers, body: rest }
  if (!rest.endsWith('0\r\n\r\n')) return null
  return { status, headers, body: unchunked(rest) }
}

function unchunked(text: string): string {
  let body = ''
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (!(size > 0)) return body
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
