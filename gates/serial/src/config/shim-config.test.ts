import { SallyportError } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { holdsClearSecret, parseShimConfig } from './shim-config.ts'

const least = {
  device: { id: 'pump' },
  ports: [{ id: 'service', technician: '/dev/ttyUSB0', device: '/dev/ttyAMA0' }],
}
const totp = { type: 'totp', secret: 'JBSWY3DPEHPK3PXP' }

function faultsOf(input: unknown): Record<string, string> {
  try {
    parseShimConfig(input)
    return {}
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'config_invalid') throw error
    return Object.fromEntries(error.faults.map(({ path, message }) => [path, message]))
  }
}

describe('the configuration of the serial gate', () => {
  it('needs a device and a port, and has defaults for the rest', () => {
    expect(parseShimConfig(least)).toMatchObject({
      ports: [{ technician: { path: '/dev/ttyUSB0', baud: 9600, flow: 'none' } }],
      lockout: { attempts: 5, within: 60_000 },
      session: {
        recording: 'strict',
        idle_timeout: 600_000,
        on_idle: 'emergency_stop',
        max_bytes: 1_000_000_000,
      },
      storage: { dir: '/var/lib/shim', min_free: 64_000_000 },
      policy: { requiredSteps: 1, factors: [{ type: 'totp' }] },
      technicians: [],
    })
    expect(Object.keys(faultsOf({}))).toEqual(['device', 'ports'])
  })

  it('names the path of every fault in one error', () => {
    expect(
      faultsOf({
        device: { id: '../pump', colour: 'red' },
        ports: [
          { id: 'a', technician: { path: '/dev/ttyUSB0', baud: 'fast', bits: 8 }, device: 'tcp://host' },
          { id: 'b', technician: 'tcp://host:1', device: { path: '/dev/x', protocol: 'rfc2217' } },
        ],
        technicians: [
          { id: 'al ice', factors: [{ type: 'webauthn' }, { type: 'totp', secret: '1', sealed: 'x' }] },
          { id: 'bob', factors: [{ type: 'email' }, { type: 'smoke' }], shoe: 1 },
        ],
        policy: { mode: 'fixed', requiredSteps: 3, factors: [{ id: 'x', label: 'X', type: 'totp' }] },
        session: {
          idle_timeout: true,
          max_bytes: '64 MiB',
          max_duration: '99d',
          escape: '~',
          recording: 'lax',
        },
        lockout: { within: '1 minute' },
        storage: { min_free: '-1MB' },
        nonsense: true,
      }),
    ).toEqual({
      'device.id': 'must be letters, digits, dots, _ and -, at most 64',
      'device.colour': 'unknown key',
      'ports[0].technician.baud': 'must be a number',
      'ports[0].technician.bits': 'unknown key',
      'ports[0].device.path': 'must be a path, or tcp://host:port',
      'ports[1].technician.path': 'must be a serial line: only the device may stand behind tcp://',
      'ports[1].device.protocol': 'is for tcp:// only',
      'technicians[0].id': 'must be a name without spaces, as it is typed at the prompt',
      'technicians[0].factors[0].type': 'webauthn cannot work over a serial line',
      'technicians[0].factors[1].secret': expect.any(String),
      'technicians[0].factors[1].sealed': 'must be as `shim enrol` wrote it',
      'technicians[1].factors[0].type': 'email cannot work over a serial line',
      'technicians[1].factors[1].type': 'must be one of totp, yubikey, backup',
      'technicians[1].shoe': 'unknown key',
      'policy.requiredSteps': 'must be from 1 to 1, the number of factors',
      'session.idle_timeout': 'must be text',
      'session.max_bytes': 'must be a size such as 64MB or 4GB',
      'session.max_duration': 'must be at most 24d',
      'session.escape': 'must be 3 to 16 printable characters',
      'session.recording': 'must be one of strict, best-effort',
      'lockout.within': 'must be a duration such as 60s, 15m, 24h or 30d',
      'storage.min_free': 'must be a size such as 64MB or 4GB',
      nonsense: 'unknown key',
    })
  })

  it('refuses one line for two ends, one name for two people, one id for two ports', () => {
    const port = { id: 'service', technician: '/dev/ttyUSB0', device: '/dev/ttyUSB0' }
    const technicians = [{ id: 'Alice' }, { id: 'alice' }]
    expect(
      faultsOf({ ...least, ports: [port, { ...port, technician: '/dev/a', device: '/dev/b' }], technicians }),
    ).toEqual({
      'ports[0].device.path': 'the same as ports[0].technician.path',
      'ports[1].id': 'the same as ports[0].id',
      'technicians[1].id': 'the same as technicians[0].id',
    })
  })

  it('gives nobody a name that means something else to the gate, however it is spelled', () => {
    const technicians = ['＊', 'Break-Glass'].map((id) => ({ id }))
    expect(faultsOf({ ...least, technicians })).toEqual(
      Object.fromEntries(
        technicians.map((_, at) => [`technicians[${at}].id`, 'is a word that the gate itself uses']),
      ),
    )
  })

  it.each([
    ['secret', totp],
    ['codes', { type: 'backup', codes: ['ABCD-2345'] }],
    ['key', { type: 'yubikey', id: 'cccccccccccb', private_id: '0'.repeat(12), key: '0'.repeat(32) }],
  ])('takes a %s in the clear only with vault: off', (key, factor) => {
    const technicians = [{ id: 'alice', factors: [factor] }]
    const path = `technicians[0].factors[0].${key}`
    expect(Object.keys(faultsOf({ ...least, technicians }))).toEqual([path])
    for (const vault of ['off', false]) {
      expect(holdsClearSecret(parseShimConfig({ ...least, technicians, vault }))).toBe(true)
    }
  })

  it('takes whole numbers for bytes and seconds, and the words that people know for on and off', () => {
    const { session, storage, lockout } = parseShimConfig({
      ...least,
      session: { max_bytes: 10, idle_timeout: 600, escape: 'off' },
      storage: { min_free: 0, max_total: '1GiB' },
      lockout: { within: 60 },
    })
    expect(session).toMatchObject({ max_bytes: 10, idle_timeout: 600_000 })
    expect(storage).toMatchObject({ min_free: 0, max_total: 2 ** 30 })
    expect(lockout.within).toBe(60_000)
    for (const off of ['off', 'Off', false, null, 'no']) {
      const config = parseShimConfig({
        ...least,
        session: { escape: off },
        siem: off,
        integrity: { command: off },
      })
      expect({ off, escape: config.session.escape, siem: config.siem, ...config.integrity }).toEqual({ off })
      const clock = { require_sync: off }
      if (off !== null)
        expect(parseShimConfig({ ...least, vault: off, clock })).toMatchObject({
          vault: 'off',
          clock: { require_sync: false },
        })
    }
    for (const on of ['on', 'Yes', true])
      expect(parseShimConfig({ ...least, vault: on, clock: { require_sync: on } })).toMatchObject({
        ...{ vault: {}, clock: { require_sync: true } },
      })
    const odd = { session: { max_bytes: 0, idle_timeout: 0, max_duration: 1.5 }, storage: { min_free: -1 } }
    expect(Object.keys(faultsOf({ ...least, ...odd }))).toEqual([
      ...['session.idle_timeout', 'session.max_duration', 'session.max_bytes', 'storage.min_free'],
    ])
    expect(parseShimConfig({ ...least, session: null, tamper: null })).toEqual(parseShimConfig(least))
  })

  it('names what is wrong between keys where others are wrong as well', () => {
    const port = { id: 'a', technician: '/dev/a', device: { path: '/dev/b', baud: 'fast' } }
    const technicians = [{ id: 'alice', factors: [totp], shoe: 1 }, { id: 'ALICE' }]
    expect(Object.keys(faultsOf({ ...least, ports: [port, port], technicians, nonsense: 1 })).sort()).toEqual(
      [
        ...[
          'nonsense',
          'ports[0].device.baud',
          'ports[1].device.baud',
          'ports[1].device.path',
          'ports[1].id',
        ],
        ...['ports[1].technician.path', 'technicians[0].factors[0].secret', 'technicians[0].shoe'],
        'technicians[1].id',
      ],
    )
  })

  it('refuses a chain that no serial line can carry', () => {
    const factors = [{ id: 'a', label: 'A', any_of: ['totp', 'webauthn'] }]
    expect(faultsOf({ ...least, policy: { mode: 'fixed', requiredSteps: 1, factors } })).toEqual({
      'policy.factors[0]': 'webauthn cannot work over a serial line',
    })
  })
})

describe('what the gate would not do is refused, not passed over', () => {
  const least = { device: { id: 'pump' }, ports: [{ id: 'service', technician: '/a', device: '/b' }] }
  const faults = (extra: Record<string, unknown>) => {
    try {
      return parseShimConfig({ ...least, ...extra }) && []
    } catch (error) {
      return (error as { faults: { path: string }[] }).faults.map(({ path }) => path)
    }
  }

  it('two bundles of technicians, and half of one', () => {
    const directory = { bundle: '/x', public_key: '/y' }
    expect(faults({ technicians: [{ directory }, { id: 'alice' }] })).toEqual([])
    expect(faults({ technicians: [{ directory }, { directory }] })).toEqual(['technicians[1].directory'])
    expect(faults({ technicians: [{ directory: { bundle: '/x' } }] })).toEqual([
      'technicians[0].directory.public_key',
    ])
  })

  it('sensors without their source, of the wrong source, or of one name', () => {
    const sensors = (...list: object[]) => faults({ tamper: { sensors: list } })
    expect(sensors({ id: 'a', type: 'file' })).toEqual(['tamper.sensors[0].path'])
    expect(sensors({ id: 'a', type: 'signal', path: '/x' })).toEqual([
      'tamper.sensors[0].signal',
      'tamper.sensors[0].path',
    ])
    const file = { id: 'a', type: 'file', path: '/x' }
    expect(sensors(file, file)).toEqual(['tamper.sensors[1].id'])
    expect(sensors(file)).toEqual([])
  })

  it('transports that there are not', () => {
    expect(faults({ siem: { transport: 'carrier-pigeon', address: 'x' } })).toEqual(['siem.transport'])
    expect(faults({ siem: { transport: 'tls', address: 'x:6514', sessions: 'full' } })).toEqual([])
  })
})
