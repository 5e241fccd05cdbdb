/**
 * Looks for the escape in what the technician types, across chunks. Answers how many bytes of this chunk
 * still go to the device; `null` when there is no escape in it.
 */
export function createEscapeFinder(sequence: string): (bytes: Uint8Array) => number | null {
  const sought = Buffer.from(sequence, 'latin1')
  let tail = Buffer.alloc(0)
  return (bytes) => {
    const seen = Buffer.concat([tail, bytes])
    const at = seen.indexOf(sought)
    if (at >= 0) return Math.max(0, at - tail.length)
    tail = Buffer.from(seen.subarray(Math.max(0, seen.length - sought.length + 1)))
    return null
  }
}
