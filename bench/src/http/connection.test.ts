import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { openConnection, readAnswer, requestOf } from './connection.ts'

it.each([
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}', '{}'],
  ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
])('waits for the whole of %j', (text, body) => {
  for (let length = 0; length < text.length; length++) expect(readAnswer(text.slice(0, length))).toBeNull()
  expect(readAnswer(text)).toMatchObject({ status: 200, body })
})

it('asks again and again on one connection', async () => {
  let connections = 0
  const server = createServer(async (request, response) => {
    response.statusCode = 201
    for await (const chunk of request) response.write(chunk)
    response.end('!')
  }).on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = await openConnection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  for (const value of ['a', 'ä', 'x'.repeat(100_000)]) {
    const answer = await connection.ask(requestOf({ method: 'POST', path: '/', body: { value } }))
    const body = Buffer.from(answer.body, 'latin1').toString()
    expect(answer).toMatchObject({ status: 201 })
    expect(body).toBe(`${JSON.stringify({ value })}!`)
  }
  expect(connections).toBe(1)
  connection.close()
  server.close()
})

it('fails when the server hangs up instead of answering', async () => {
  const server = createServer((request) => request.socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connection = await openConnection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await expect(connection.ask(requestOf({ method: 'GET', path: '/' }))).rejects.toThrow(
    'closed the connection',
  )
  server.close()
})
