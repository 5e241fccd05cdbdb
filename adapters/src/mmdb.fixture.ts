/** A value of MaxMind's format, as its specification 2.0 writes it; only the kinds that a GeoIP record has. */
function encode(value: unknown): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(2, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(3, 8), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([value.length, 11 - 7]), ...value.map(encode)])
  const entries = Object.entries(value as object)
  return Buffer.concat([control(7, entries.length), ...entries.flat().map(encode)])
}

function control(type: number, size: number): Buffer {
  if (size >= 29) return Buffer.from([(type << 5) | 29, size - 29])
  return Buffer.from([(type << 5) | size])
}

/** A database that knows IPv4 networks, given as their leading bits: `11000000` is 192.0.0.0/8. */
export function makeMmdb(networks: Readonly<Record<string, object>>): Buffer {
  const nodes: [Branch, Branch][] = [[null, null]]
  const data: Buffer[] = []
  let dataSize = 0
  for (const [bits, record] of Object.entries(networks)) {
    let node = 0
    for (const bit of bits.slice(0, -1)) {
      const side = Number(bit)
      const next = nodes[node]![side]
      if (next && 'node' in next) node = next.node
      else {
        const made = nodes.push([null, null]) - 1
        nodes[node]![side] = { node: made }
        node = made
      }
    }
    const encoded = encode(record)
    nodes[node]![Number(bits.at(-1))] = { data: dataSize }
    data.push(encoded)
    dataSize += encoded.length
  }
  const pointer = (branch: Branch) => {
    if (branch === null) return nodes.length
    return 'node' in branch ? branch.node : nodes.length + 16 + branch.data
  }
  const tree = Buffer.alloc(nodes.length * 8)
  for (const [index, [left, right]] of nodes.entries()) {
    tree.writeUInt32BE(pointer(left), index * 8)
    tree.writeUInt32BE(pointer(right), index * 8 + 4)
  }
  const metadata = {
    ...{ node_count: nodes.length, record_size: 32, ip_version: 4, database_type: 'Test-City' },
    ...{ languages: ['en'], binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1 },
    description: { en: 'made for a test' },
  }
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')])
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, encode(metadata)])
}

type Branch = { node: number } | { data: number } | null
