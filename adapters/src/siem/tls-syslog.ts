import { once } from 'node:events'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import type { SiemTransport } from '@sallyport/core'
import { type SiemTls, siemError, strictTls, unavailable } from './tls-files.ts'

export interface TlsSyslogOptions {
  host: string
  port: number
  tls: SiemTls
}

/** What a receiver's kernel takes on a new connection without the receiver reading any of it. */
const mostBytes = 60_000
const shortestLinger = 25

const earlyClose = 'see the receiver’s own log: it may want another client certificate, or be shutting down'

/**
 * Syslog over TLS (RFC 5425) says nothing back, so each batch has a connection of its own, and is confirmed
 * when the receiver closes after us. Before we close, we wait until it must have all of it, for several round
 * trips: a receiver that goes away meanwhile is seen to be closed before us, and one that goes away with
 * something unread resets the connection. Either way the batch is sent again. See decisions/0007-the-ledger-is-its-own-spool.md.
 */
export function createTlsSyslog({ host, port, tls }: TlsSyslogOptions): SiemTransport {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const servername = isIP(host) === 0 ? { servername: host } : {}

  async function converse(socket: TLSSocket, lines: readonly string[], signal: AbortSignal): Promise<void> {
    const begun = performance.now()
    await once(socket, 'secureConnect', { signal })
    const linger = Math.max(shortestLinger, 2 * (performance.now() - begun))
    let closing = false
    const closed = new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('end', () =>
        closing ? resolve() : reject(siemError(address, 'it closed the connection before us', earlyClose)),
      )
      socket.once('close', () => reject(siemError(address, 'it broke the connection off', earlyClose)))
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    socket.resume()
    const said = new Promise<void>((resolve, reject) => {
      socket.write(frames(lines), (error) => (error ? reject(error) : resolve()))
    })
    await Promise.race([said.then(() => sleep(linger)), closed])
    closing = true
    socket.end()
    await closed
  }

  return {
    limits: { events: 200, bytes: mostBytes },
    async deliver(lines, signal) {
      let socket: TLSSocket | undefined
      try {
        socket = connect({ host, port, ...servername, ...strictTls(tls) })
        // What comes after the first error tells nothing more.
        socket.on('error', () => {})
        await converse(socket, lines, signal)
      } catch (error) {
        throw unavailable(address, error)
      } finally {
        socket?.destroy()
      }
    },
  }
}

/** RFC 5425 §4.3: the length in octets, a space, the message. */
function frames(lines: readonly string[]): string {
  return lines.map((line) => `${Buffer.byteLength(line)} ${line}`).join('')
}
