import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { SallyportError } from '@sallyport/core'

const longestMessage = 64 * 1024
const answerWithin = 15_000
/** Linux, unix(7): the path of a socket has 108 bytes, the last of them NUL. */
const longestPath = 107

export type ControlHandler = (command: string, args: Record<string, unknown>) => Promise<unknown>

interface Answer {
  result?: unknown
  error?: { code: string; message: string }
}

/**
 * Commands for the running daemon, over a socket in the file system that only its owner may open (and root):
 * one line of JSON each way.
 */
export async function serveControl(
  path: string,
  handle: ControlHandler,
): Promise<{ close(): Promise<void> }> {
  await refuseSecond(path)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    socket.setTimeout(answerWithin, () => socket.destroy())
    readLine(socket)
      .then((line) => answer(line, handle))
      .then(
        (reply) => socket.end(`${JSON.stringify(reply)}\n`),
        () => socket.destroy(),
      )
  })
  // Made for its owner alone from the first moment on: there is no time in which another could connect.
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(before)
  }
  await chmod(path, 0o600)
  return {
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Asks the daemon; what it refuses is thrown here as it was there. */
export async function callControl(
  path: string,
  command: string,
  args: Record<string, unknown> = {},
): Promise<unknown> {
  const socket = await openSocket(path)
  try {
    socket.setTimeout(answerWithin, () => socket.destroy(new Error('no answer in time')))
    socket.write(`${JSON.stringify({ command, args })}\n`)
    const { result, error } = JSON.parse(await readLine(socket)) as Answer
    if (error) throw new SallyportError(error.code as never, error.message)
    return result
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    const message = `the shim did not answer on ${path} (${(cause as Error).message}): see its log`
    throw new SallyportError('store_unavailable', message, { cause })
  } finally {
    socket.destroy()
  }
}

function openSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      const denied = cause.code === 'EACCES' || cause.code === 'EPERM'
      const why = denied
        ? 'only its own user and root may ask it'
        : 'is `sallyport shim run` running with this file?'
      reject(new SallyportError('not_found', `no shim answers on ${path} (${cause.code}): ${why}`, { cause }))
    })
  })
}

async function refuseSecond(path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath) {
    const message = `storage.dir: the socket ${path} would have a longer path than the ${longestPath} bytes that the system takes`
    throw new SallyportError('config_invalid', message)
  }
  const running = await openSocket(path).then(
    (socket) => {
      socket.destroy()
      return true
    },
    () => false,
  )
  if (running) throw new SallyportError('already_exists', `another shim runs on ${path}: stop it first`)
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

async function answer(line: string, handle: ControlHandler): Promise<Answer> {
  try {
    const { command, args } = JSON.parse(line) as { command: string; args: Record<string, unknown> }
    return { result: await handle(command, args) }
  } catch (error) {
    const known = error instanceof SallyportError
    return { error: { code: known ? error.code : 'invalid_input', message: (error as Error).message } }
  }
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
      else if (text.length > longestMessage) reject(new Error('the message is too long'))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection was closed')))
  })
}
