import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

/** In a process of its own: the setting is the whole process's. */
function inChild(body: string): string {
  const fips = JSON.stringify(new URL('./fips.ts', import.meta.url).href)
  const script = `import { createHash } from 'node:crypto'
    const { requireFips, fipsInForce } = await import(${fips})
    ${body}`
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()
}

it('turns FIPS on, or refuses and leaves a working process behind', () => {
  const outcome = inChild(`
    try { requireFips(); console.log('on') } catch (error) { console.log(error.code) }
    let md5 = true
    try { createHash('md5') } catch { md5 = false }
    console.log(fipsInForce(), md5, createHash('sha256').update('abc').digest('hex').slice(0, 8))`)
  // Which of the two depends on the machine's OpenSSL; a mixture of them is never right.
  expect(['fips_unavailable\nfalse true ba7816bf', 'on\ntrue false ba7816bf']).toContain(outcome)
})

it('is not in force unless asked for', () => {
  expect(inChild('console.log(fipsInForce())')).toBe('false')
})
