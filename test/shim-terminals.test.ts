import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { sallyport, sallyportJson } from './support/cli.ts'
import { codeOf, makeBench, plugIn, until } from './support/shim.ts'

vi.setConfig({ testTimeout: 90_000 })

const main = new URL('../cli/src/main.ts', import.meta.url).pathname

/** A terminal of the usual size, typed at and looked at as a person would. */
function openTerminal(name: string, { rows = 24 } = {}) {
  const server = `shim-${process.pid}-${name}`
  const tmux = (...words: string[]) =>
    spawnSync('tmux', ['-f', '/dev/null', '-L', server, ...words], { encoding: 'utf8' }).stdout
  const seen = () => tmux('capture-pane', '-p', '-t', name).trimEnd()
  return {
    seen,
    run: (command: string) => tmux('new-session', '-d', '-s', name, '-x', '80', '-y', String(rows), command),
    press: (...keys: string[]) => tmux('send-keys', '-t', name, ...keys),
    shows: (text: string) => until(`${text}, in:\n${seen()}`, () => seen().includes(text)),
    /** The gate waits for the next line. */
    prompts: () => until('the prompt', () => seen().endsWith('\n>')),
    clear: () => tmux('send-keys', '-R', '-t', name),
    gone: () => until('the end of the terminal', () => tmux('list-sessions') === ''),
    close: () => tmux('kill-server'),
  }
}

describe.concurrent('a technician at an 80 by 24 terminal', () => {
  it.each([
    {
      ...{ name: 'picocom', technician: 'alice' as const, attempts: 5, leave: ['C-a', 'C-x'] },
      command: (path: string) => `picocom --quiet ${path}`,
    },
    {
      ...{ name: 'screen', technician: 'bob' as const, attempts: 2, leave: ['C-a', 'k', 'y'] },
      command: (path: string) => `screen ${path} 9600`,
    },
  ] as const)('with $name: masked, locked over a kill, unlocked, let in, and gone', async (trial) => {
    const bench = makeBench({ lockout: { attempts: trial.attempts } })
    const terminal = openTerminal(trial.name)
    const who = `${trial.technician}@example.org`
    try {
      await bench.cable('near', 'gate-near', { hangsUp: true })
      await bench.cable('far', 'gate-far')
      await bench.start()
      const device = await plugIn(bench.at('far'))
      terminal.run(trial.command(bench.at('near')))
      // Whatever is typed while the terminal still opens its line, it drops itself.
      await until('the banner', () => {
        terminal.press('Enter')
        return terminal.seen().includes('Shim MFA gate. Authenticate as: <technician_id> <totp_code>')
      })
      await terminal.prompts()

      terminal.press(`${who} 123`, 'BSpace', 'BSpace', 'BSpace', '000000')
      await terminal.shows(`> ${who} ******`)
      terminal.press('Enter')
      await terminal.shows('Authentication failed.')
      for (let wrong = 2; wrong <= trial.attempts; wrong++) {
        await terminal.prompts()
        terminal.clear()
        terminal.press(`${who} 000000`, 'Enter')
        await terminal.shows('Authentication failed.')
      }
      const locked = `${who} is LOCKED after too many failures.\nIt stays so until an administrator runs: sallyport shim unlock\nIn an emergency: break-glass <code>`
      await terminal.shows(locked)
      await bench.state('LOCKED')

      await bench.stop('SIGKILL')
      await bench.start()
      terminal.clear()
      terminal.press('Enter')
      await terminal.shows(locked)
      await terminal.prompts()
      terminal.clear()
      terminal.press(`${who} ${codeOf(trial.technician)}`, 'Enter')
      await terminal.shows('is LOCKED')
      expect(terminal.seen()).not.toContain('Authenticated')

      const unlocked = await sallyport(['shim', 'unlock', '--config', bench.config])
      expect(unlocked).toMatchObject({ code: 0, out: `done: unlock ${who}\n` })
      terminal.clear()
      terminal.press('Enter')
      await terminal.prompts()
      terminal.press(`${who} ${codeOf(trial.technician)}`, 'Enter')
      await terminal.shows('is being recorded.')
      expect(terminal.seen()).toMatch(
        new RegExp(`^> ${who} \\*{6}\nAuthenticated\\. Session \\S+ is being recorded\\.$`, 'm'),
      )
      terminal.press('STATUS', 'Enter')
      await device.expect('STATUS\r')
      device.type('STATUS\r\nRUNNING 12 ml/h\r\n')
      await terminal.shows('STATUS\nRUNNING 12 ml/h')

      terminal.press(...trial.leave)
      await terminal.gone()
      await until('the hang-up', async () => (await bench.port()).reason === 'hang-up')
      await bench.state('IDLE')
      device.forget()
      device.type('said to nobody')
      await until('what was dropped', async () => (await bench.port()).dropped_out === 14)
      const [recording] = (
        await sallyportJson<{ recordings: { file: string }[] }>([
          ...['recording', 'verify', bench.at('data')],
        ])
      ).recordings
      expect(recording).toMatchObject({ status: 'clean', reason: 'hang-up' })

      await until('the cable is out', () => !existsSync(bench.at('near')))
      await bench.cable('near', 'gate-near', { hangsUp: true })
      await until('both lines', async () => (await bench.port()).endpoints.technician === 'open')
      terminal.run(trial.command(bench.at('near')))
      await until('the banner of the next', () => {
        terminal.press('Enter')
        return terminal.seen().includes('Authenticate as:')
      })
      expect(terminal.seen()).not.toContain('nobody')
      expect((await bench.port()).state).toBe('CHALLENGE')
    } finally {
      terminal.close()
      await bench.remove()
    }
  })
})

/** Reads the code on a screen as a camera does: half a block is a square of black. */
function readCode(screen: string): string {
  const rows = screen.split('\n').map((line) => [...line.padEnd(80)])
  const half = (inked: string) => (row: string[]) =>
    `${row.map((cell) => (inked.includes(cell) ? '1111' : '0000')).join('')}\n`.repeat(4)
  const pixels = rows.map((row) => half('▀█')(row) + half('▄█')(row)).join('')
  const picture = `P1\n${80 * 4} ${rows.length * 8}\n${pixels}`
  const { stdout } = spawnSync('zbarimg', ['--quiet', '--raw', '-'], { input: picture, encoding: 'utf8' })
  return stdout.trim()
}

it('shim enrol shows a code that a camera reads off the terminal', async () => {
  const bench = makeBench({ vault: {}, technicians: [] })
  const terminal = openTerminal('enrol', { rows: 40 })
  try {
    const words = `shim enrol --config ${bench.config} --technician dora@example.org`
    terminal.run(`${process.execPath} ${main} ${words}; read stay`)
    await terminal.shows('written to')
    const read = readCode(terminal.seen())
    expect(new URL(read).pathname).toBe('/ShimMFA:dora%40example.org')
    expect(terminal.seen().replaceAll('\n', '')).toContain(read)
  } finally {
    terminal.close()
    await bench.remove()
  }
})

it('shim demo is guarded, answers, notices who leaves, and takes everything with it at its end', async () => {
  const [demo, technician] = [openTerminal('demo', { rows: 50 }), openTerminal('visitor')]
  try {
    demo.run(`${process.execPath} ${main} shim demo; read stay`)
    await demo.shows('the demo is running')
    const guide = demo.seen()
    expect(guide.split('\n').every((line) => line.length < 80)).toBe(true)
    const [, secret] = /oathtool --totp -b (\w+)/.exec(guide)!
    const [command, path] = /picocom -q (\S+)/.exec(guide)!
    expect(new URL(readCode(demo.seen())).searchParams.get('secret')).toBe(secret)
    const enter = async () => {
      technician.run(command!)
      await until('the banner', () => {
        technician.press('Enter')
        return technician.seen().includes('Authenticate as:')
      })
      await technician.prompts()
    }
    await enter()
    const code = spawnSync('oathtool', ['--totp', '-b', secret!], { encoding: 'utf8' }).stdout.trim()
    technician.press(`alice@example.org ${code}`, 'Enter')
    await technician.shows('is being recorded.')
    technician.press('STATUZ', 'BSpace', 'S', 'Enter')
    await technician.shows('STATUS\nRUNNING 12 ml/h')
    technician.press('C-a', 'C-x')
    await technician.gone()
    const status = async () => {
      const words = ['shim', 'status', '--config', /--config (\S+)/.exec(guide)![1]!]
      return (await sallyportJson<{ ports: { state: string; reason: string }[] }>(words)).ports[0]!
    }
    await until('the hang-up', async () => (await status()).reason === 'hang-up')
    await until('the next cable', () => existsSync(path!))
    await enter()
    demo.press('C-c')
    await until('the end', () => !existsSync(dirname(path!)))
  } finally {
    demo.close()
    technician.close()
  }
})
