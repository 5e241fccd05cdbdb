import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Stream } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { GateEnv } from './context.ts'
import { readBody } from './read-body.ts'
import { Refusal } from './refusal.ts'

const app = new Hono<GateEnv>()
const read: (string | Refusal)[] = []
/** Holds up the reading, as a slow look into the store does. */
let before = Promise.resolve()
app.post('/', async (context) => {
  await before
  const body = await readBody(context)
  read.push(body)
  server.emit('body')
  return context.text(body instanceof Refusal ? body.code : String(body.length))
})
const server = createServer(getRequestListener(app.fetch))
let port = 0

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function begin(head: string) {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  // A server that hangs up on a sender resets the connection now and then.
  socket.on('error', () => undefined)
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n`)
  return socket
}

/** … however it came to that. */
const closed = (stream: Stream) => new Promise((resolve) => stream.once('close', resolve))

const post = async (body: string) =>
  (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).text()

it('gives a body up to 64 KiB, whole, and none larger', async () => {
  expect(await post('')).toBe('0')
  expect(await post('é'.repeat(32 * 1024))).toBe(String(32 * 1024))
  expect(await post('x'.repeat(64 * 1024 + 1))).toBe('payload_too_large')
})

it('gives what came in pieces in one', async () => {
  const socket = await begin('content-length: 4\r\nconnection: close')
  socket.write(Buffer.from('é').subarray(0, 1))
  await new Promise(setImmediate)
  socket.write(Buffer.concat([Buffer.from('é').subarray(1), Buffer.from('ab')]))
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/\r\n\r\n3$/)
  expect(read.at(-1)).toBe('éab')
})

it('cuts off one that does not end', async () => {
  const socket = await begin('transfer-encoding: chunked')
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const more = () => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
  await closed(socket)
  expect(read.at(-1)).toMatchObject({ code: 'payload_too_large' })
})

it('does not wait for one that broke off, before it was read or while', async () => {
  const slow = Promise.withResolvers<void>()
  before = slow.promise
  const gone = await begin('content-length: 100')
  const [request] = await once(server, 'request')
  gone.destroy()
  await closed(request)
  slow.resolve()
  await once(server, 'body')
  expect(read.at(-1)).toMatchObject({ code: 'invalid_input' })

  const going = await begin('content-length: 100')
  await once(server, 'request')
  going.write('half', () => going.destroy())
  await once(server, 'body')
  expect(read.at(-1)).toMatchObject({ code: 'invalid_input' })
})
