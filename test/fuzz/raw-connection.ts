import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  headers: Map<string, string>
  body: string
}

export interface RawConnection {
  /** Sends these bytes and reads one answer; `null` when the server closes the connection without one. */
  send(request: Buffer, options?: { head?: boolean }): Promise<RawAnswer | null>
  close(): void
}

const longestWait = 20_000

/**
 * HTTP/1.1 over a kept connection, byte for byte as it is told: a client that a library makes decent could
 * not send what an attacker sends. Opens a new connection after the server has closed one.
 */
export function openRawConnection(port: number): RawConnection {
  let socket: Socket | null = null

  function fresh(): Socket {
    socket = connect({ port, host: '127.0.0.1', noDelay: true })
    // Resets are expected: what the server made of the request shows in the answer, or in its absence.
    socket.on('error', () => {})
    return socket
  }

  function send(request: Buffer, options: { head?: boolean } = {}): Promise<RawAnswer | null> {
    const open = socket && !socket.destroyed && socket.writable ? socket : fresh()
    return new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0)
      const timer = setTimeout(() => {
        open.destroy()
        finish()
        reject(new Error(`no answer in ${longestWait} ms to ${request.subarray(0, 300).toString('latin1')}`))
      }, longestWait)
      const onData = (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const answer = readAnswer(received, options.head ?? false)
        if (!answer) return
        finish()
        if (answer.headers.get('connection') === 'close') open.destroy()
        resolve(answer)
      }
      const onClose = () => {
        finish()
        resolve(null)
      }
      const finish = () => {
        clearTimeout(timer)
        open.off('data', onData).off('close', onClose).off('end', onClose)
      }
      open.on('data', onData).on('close', onClose).on('end', onClose)
      open.write(request)
    })
  }

  return { send, close: () => socket?.destroy() }
}

/** The first answer in these bytes, once all of it is there. */
function readAnswer(bytes: Buffer, head: boolean): RawAnswer | null {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return null
  const [line = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(line.split(' ')[1])
  if (status < 200) return readAnswer(bytes.subarray(end + 4), head)
  const headers = new Map(
    fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const
    }),
  )
  const rest = bytes.subarray(end + 4)
  if (head || status === 204 || status === 304) return { status, headers, body: '' }
  if (headers.get('transfer-encoding') === 'chunked') {
    const whole = readChunks(rest)
    return whole === null ? null : { status, headers, body: whole }
  }
  const length = Number(headers.get('content-length') ?? 0)
  return rest.length < length ? null : { status, headers, body: rest.subarray(0, length).toString('utf8') }
}

function readChunks(bytes: Buffer): string | null {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return null
    const size = Number.parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    at = end + 2
    if (bytes.length < at + size + 2) return null
    if (size === 0) return Buffer.concat(chunks).toString('utf8')
    chunks.push(bytes.subarray(at, at + size))
    at += size + 2
  }
}
