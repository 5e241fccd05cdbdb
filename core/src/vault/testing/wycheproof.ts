// Runs the published Wycheproof vectors (https://github.com/C2SP/wycheproof, testvectors_v1) through the
// vault's own functions:
//
//   node core/src/vault/testing/wycheproof.ts DIR
//
// where DIR holds aes_gcm_test.json, hkdf_sha256_test.json and pbkdf2_hmacsha256_test.json. The files are
// not part of this repository; what the tests run without them is in core/testdata.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { aesGcmOpen, aesGcmSeal } from '../aes-gcm.ts'
import { hkdfSha256, pbkdf2Sha256 } from '../kdf.ts'

type Case = Record<string, string> & {
  tcId: number
  result: 'valid' | 'invalid'
  size: number
  iterationCount: number
  dkLen: number
}
interface Group {
  keySize: number
  ivSize: number
  tagSize: number
  tests: Case[]
}

const [directory] = process.argv.slice(2)
if (directory === undefined) {
  process.stderr.write('usage: node core/src/vault/testing/wycheproof.ts DIR\n')
  process.exit(2)
}

const hex = (text: string | undefined) => Buffer.from(text ?? '', 'hex')
const groups = (name: string): Group[] => JSON.parse(readFileSync(join(directory, name), 'utf8')).testGroups

const results = [
  await run(
    'AES-256-GCM',
    'aes_gcm_test.json',
    gcmAgrees,
    (group) => group.keySize === 256 && group.tagSize === 128,
  ),
  await run('HKDF-SHA256', 'hkdf_sha256_test.json', hkdfAgrees),
  await run('PBKDF2-HMAC-SHA256', 'pbkdf2_hmacsha256_test.json', pbkdf2Agrees),
]
process.exit(results.every(Boolean) ? 0 : 1)

async function run(
  title: string,
  file: string,
  agrees: (test: Case, group: Group) => boolean | Promise<boolean>,
  applies: (group: Group) => boolean = () => true,
): Promise<boolean> {
  let passed = 0
  const failed: number[] = []
  for (const group of groups(file).filter(applies)) {
    for (const test of group.tests) {
      if (await agrees(test, group)) passed++
      else failed.push(test.tcId)
    }
  }
  process.stdout.write(
    `${title}: ${passed} agree, ${failed.length} do not${failed.length > 0 ? `: ${failed.join(', ')}` : ''}\n`,
  )
  return passed > 0 && failed.length === 0
}

function gcmAgrees(test: Case, group: Group): boolean {
  const parts = { key: hex(test.key), nonce: hex(test.iv), aad: hex(test.aad) }
  const sealed = hex(`${test.ct}${test.tag}`)
  // The vault uses 96-bit nonces and refuses every other size.
  if (group.ivSize !== 96) return throwsRangeError(() => aesGcmOpen({ ...parts, sealed }))
  const opened = aesGcmOpen({ ...parts, sealed })
  if (test.result === 'invalid') return opened === null
  const plaintext = hex(test.msg)
  return opened !== null && plaintext.equals(opened) && sealed.equals(aesGcmSeal({ ...parts, plaintext }))
}

function hkdfAgrees(test: Case): boolean {
  const input = { ikm: hex(test.ikm), salt: hex(test.salt), info: hex(test.info), length: test.size }
  if (test.result === 'invalid') return throwsRangeError(() => hkdfSha256(input))
  return hex(test.okm).equals(hkdfSha256(input))
}

async function pbkdf2Agrees(test: Case): Promise<boolean> {
  const { iterationCount: iterations, dkLen: length } = test
  const key = await pbkdf2Sha256({ password: hex(test.password), salt: hex(test.salt), iterations, length })
  return hex(test.dk).equals(key)
}

function throwsRangeError(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch (error) {
    return error instanceof RangeError
  }
}
