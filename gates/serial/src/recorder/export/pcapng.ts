import type { Frame } from '../frame.ts'
import type { ExportFormat } from './export-format.ts'

/** IETF draft-ietf-opsawg-pcapng. */
const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
/** Bytes of a serial line have no link type of their own: one of those that are free for private use. */
const LINKTYPE_USER0 = 147
const option = { end: 0, comment: 1, interfaceName: 2, packetFlags: 2, resolution: 9 } as const

/** Two interfaces, `in` and `out`; each frame is a packet, with the direction in its flags too. */
export function pcapng(): ExportFormat {
  let opened = 0
  return {
    begin(header) {
      opened = header.opened
      const comment = `session ${header.session}: ${header.technician.id} at ${header.device.id}`
      return Buffer.concat([
        block(SECTION_HEADER, sectionHead(), [[option.comment, Buffer.from(comment)]]),
        ...['in', 'out'].map((name) =>
          block(INTERFACE_DESCRIPTION, interfaceHead(), [
            [option.interfaceName, Buffer.from(name)],
            [option.resolution, Buffer.of(6)],
          ]),
        ),
      ])
    },
    frame: (frame) => (frame.kind === 'in' || frame.kind === 'out' ? packet(frame, opened) : ''),
    end: () => '',
  }
}

function packet({ kind, elapsed, bytes }: Frame, opened: number): Buffer {
  const head = Buffer.alloc(20)
  const at = BigInt(opened) * 1000n + BigInt(elapsed)
  head.writeUInt32LE(kind === 'in' ? 0 : 1, 0)
  head.writeUInt32LE(Number(at >> 32n), 4)
  head.writeUInt32LE(Number(at & 0xffff_ffffn), 8)
  head.writeUInt32LE(bytes.length, 12)
  head.writeUInt32LE(bytes.length, 16)
  const flags = Buffer.alloc(4)
  flags.writeUInt32LE(kind === 'in' ? 1 : 2)
  return block(ENHANCED_PACKET, Buffer.concat([head, padded(bytes)]), [[option.packetFlags, flags]])
}

function sectionHead(): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(0x1a2b3c4d, 0)
  head.writeUInt16LE(1, 4)
  // Its length is not known while it is written: -1 says so.
  head.writeBigInt64LE(-1n, 8)
  return head
}

function interfaceHead(): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(LINKTYPE_USER0, 0)
  return head
}

function block(type: number, body: Buffer, options: [code: number, value: Buffer][]): Buffer {
  const parts = [...options, [option.end, Buffer.alloc(0)] as const].map(([code, value]) => {
    const head = Buffer.alloc(4)
    head.writeUInt16LE(code, 0)
    head.writeUInt16LE(value.length, 2)
    return Buffer.concat([head, padded(value)])
  })
  const content = Buffer.concat([body, ...parts])
  const whole = Buffer.alloc(12 + content.length)
  whole.writeUInt32LE(type, 0)
  whole.writeUInt32LE(whole.length, 4)
  content.copy(whole, 8)
  whole.writeUInt32LE(whole.length, whole.length - 4)
  return whole
}

function padded(bytes: Buffer): Buffer {
  const missing = -bytes.length & 3
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)])
}
