import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a link takes at a time, and how long it rests then. */
const piece = 1_024
const rest = 20

/** A link to `port` on this machine that is slow one way, and makes whoever sends faster wait. */
export async function openSlowLink(port: number): Promise<{ port: number; close(): void }> {
  const ends = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const end of [near, far]) {
      ends.add(end)
      end.on('error', () => end.destroy()).on('close', () => ends.delete(end))
    }
    far.pipe(near)
    void trickle(near, far).finally(() => far.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const end of ends) end.destroy()
    },
  }
}

async function trickle(from: Socket, to: Socket): Promise<void> {
  try {
    for await (const chunk of from) {
      for (let at = 0; at < chunk.length; at += piece) {
        to.write(chunk.subarray(at, at + piece))
        await sleep(rest)
      }
    }
  } catch {
    // Cut by one of the two: the link ends.
  }
}
