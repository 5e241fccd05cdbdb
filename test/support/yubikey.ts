import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { importYubikeys, type Store, systemClock, type Vault } from '@sallyport/core'

/** A YubiKey as its log describes it. */
export interface TestKey {
  publicId: string
  privateId: string
  aesKey: string
}

export const testKey: TestKey = {
  publicId: 'cccccckdvvul',
  privateId: '8792ebfe26cc',
  aesKey: 'ecde18dbe76fbd0c33330f1c354871db',
}

export const logLine = ({ publicId, privateId, aesKey }: TestKey) =>
  `4711,${publicId},${privateId},${aesKey},000000000000,2026-01-22T00:25:11,`

const program = `
import json, sys
from binascii import unhexlify
from yubiotp.otp import OTP, encode_otp
for line in sys.stdin:
    asked = json.loads(line)
    key, uid, public = unhexlify(asked['aesKey']), unhexlify(asked['privateId']), asked['publicId'].encode()
    made = [encode_otp(OTP(uid, c, 0x0153f8 + u, u, 0x1234 + c), key, public).decode() for c, u in asked['counters']]
    print(json.dumps(made), flush=True)
`

let typist: { ask(line: string): Promise<string> } | undefined

/** What the key types at each of these counters, by another implementation than ours. */
export async function typed(
  key: TestKey,
  ...counters: [usage: number, session: number][]
): Promise<string[]> {
  typist ??= startTypist()
  return JSON.parse(await typist.ask(JSON.stringify({ ...key, counters })))
}

/** One program for all that is asked in a file of tests; it ends when its input does. */
function startTypist() {
  const child = spawn('/usr/bin/python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting: ((line: string) => void)[] = []
  createInterface(child.stdout).on('line', (line) => waiting.shift()?.(line))
  return {
    ask: (line: string) =>
      new Promise<string>((resolve, reject) => {
        child.once('error', reject)
        waiting.push((answer) => {
          child.off('error', reject)
          resolve(answer)
        })
        child.stdin.write(`${line}\n`)
      }),
  }
}

export async function importKeys(parts: { store: Store; vault: Vault }, ...keys: TestKey[]): Promise<void> {
  const { fit } = await importYubikeys(keys.map(logLine), {
    ...{ ...parts, clock: systemClock, actor: 'test', apply: true, report: () => undefined },
  })
  if (fit !== keys.length) throw new Error(`${fit} of ${keys.length} keys were imported`)
}
