import { filePath } from '@sallyport/core'
import { z } from 'zod'

const line = {
  baud: z.int().min(50).max(4_000_000).default(9600),
  data_bits: z
    .union([z.literal(5), z.literal(6), z.literal(7), z.literal(8)], 'must be 5, 6, 7 or 8')
    .default(8),
  parity: z.enum(['none', 'even', 'odd', 'mark', 'space']).default('none'),
  stop_bits: z.union([z.literal(1), z.literal(1.5), z.literal(2)], 'must be 1, 1.5 or 2').default(1),
  flow: z.enum(['none', 'rtscts', 'xonxoff']).default('none'),
}

const tcpAddress = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([1-9]\d{0,4})$/

const settings = z
  .strictObject({ path: filePath, ...line, protocol: z.enum(['raw', 'rfc2217']).optional() })
  .superRefine(({ path, protocol }, context) => {
    const isNetwork = path.includes('://')
    const refuse = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message })
    if (isNetwork && !isTcpAddress(path)) refuse('path', 'must be a path, or tcp://host:port')
    if (!isNetwork && protocol !== undefined) refuse('protocol', 'is for tcp:// only')
  })

const written = z.preprocess((value) => (typeof value === 'string' ? { path: value } : value), settings)

/** Where the technician plugs in: the gate listens on no network. */
export const technicianEndpoint = written.refine(({ path }) => !path.includes('://'), {
  path: ['path'],
  message: 'must be a serial line: only the device may stand behind tcp://',
})

export const deviceEndpoint = written

export type EndpointConfig = z.infer<typeof settings>

/** Where a `tcp://` endpoint leads. */
export function tcpAddressOf(path: string): { host: string; port: number } {
  const [, host, port] = tcpAddress.exec(path)!
  return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function isTcpAddress(path: string): boolean {
  const found = tcpAddress.exec(path)
  return found !== null && Number(found[2]) <= 65_535
}
