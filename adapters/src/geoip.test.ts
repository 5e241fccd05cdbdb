import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openGeoip } from './geoip.ts'
import { makeMmdb } from './mmdb.fixture.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-geoip-'))
afterAll(() => rmSync(directory, { recursive: true }))

function write(name: string, content: Buffer | string): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

it('tells country and place of an address, and nothing of others', () => {
  const locate = openGeoip(
    write(
      'places.mmdb',
      makeMmdb({
        '11000000': { country: { iso_code: 'NL' }, location: { latitude: 52.375, longitude: -4.5 } },
        '00001010': { registered_country: { iso_code: 'JP' } },
      }),
    ),
  )
  expect(locate('192.0.2.1')).toEqual({ country: 'NL', latitude: 52.375, longitude: -4.5 })
  expect(locate('10.1.2.3')).toEqual({ country: 'JP', latitude: null, longitude: null })
  expect(locate('8.8.8.8')).toBeNull()
  expect(locate('unknown')).toBeNull()
})

it('refuses what is no such database, by the name of the key', () => {
  const asking = (path: string) => () => openGeoip(path)
  expect(asking(write('text.mmdb', 'no database'))).toThrow(/geoip_file: .*text\.mmdb is no database/)
  expect(asking(join(directory, 'missing.mmdb'))).toThrow(/geoip_file/)
})
