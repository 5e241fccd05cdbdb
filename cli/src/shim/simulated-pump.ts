import { endpointOf } from '@sallyport/gate-serial'

const answers: Readonly<Record<string, string>> = {
  STATUS: 'RUNNING 12 ml/h, 38 ml given',
  VERSION: 'PUMP 4.2',
}
const settings = { baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1, flow: 'none' } as const

/** The device of the demo: it shows what it hears, and answers a line at a time, as a service port does. */
export async function startSimulatedPump(path: string): Promise<void> {
  let typed = ''

  function hear(character: string): string {
    if (character === '\n') return ''
    if (character === '\r') {
      const asked = typed.trim().toUpperCase()
      typed = ''
      return asked === '' ? '\r\n' : `\r\n${answers[asked] ?? '? STATUS or VERSION'}\r\n`
    }
    if (character === '\b' || character === '\x7f') {
      if (typed === '') return ''
      typed = typed.slice(0, -1)
      return '\b \b'
    }
    if (character < ' ' || typed.length === 80) return ''
    typed += character
    return character
  }

  const line = await endpointOf({ path, ...settings }).open({
    data: (bytes) => line.write(Buffer.from([...bytes.toString('latin1')].map(hear).join(''), 'latin1')),
    ...{ lost() {}, signals() {}, broke() {} },
  })
}
