import { SallyportError } from '@sallyport/core'
import { checkReason, createBreakGlass } from '@sallyport/gate-serial'
import { print, style } from '../output.ts'
import { openShim } from './open-shim.ts'
import { readShimConfig } from './read-config.ts'
import type { BreakGlassOptions } from './shim-options.ts'

export async function breakGlassCommand(options: BreakGlassOptions): Promise<void> {
  const config = readShimConfig(options.config)
  const ports = config.ports.map(({ id }) => id)
  const { explain, reason, json = false } = options
  const foundation = await openShim(config)
  try {
    const breakGlass = createBreakGlass({ ...foundation, ports, device: config.device.id })
    if (explain !== undefined) {
      if (!reason?.trim()) throw new SallyportError('invalid_input', '--reason: say why the code was used')
      await breakGlass.explain(explain, checkReason(reason))
      print({
        json,
        data: { explained: explain },
        text: () => `${style.green('kept')}: why ${explain} was opened`,
      })
      return
    }
    const port = options.port ?? (ports.length === 1 ? ports[0]! : null)
    if (port === null) throw new SallyportError('invalid_input', `--port: name one of ${ports.join(', ')}`)
    const code = await breakGlass.issue(port)
    print({
      json,
      data: { port, code },
      text: () =>
        [
          `${style.bold('emergency code')} of port ${port}, good once, shown once:`,
          `  ${style.bold(code)}`,
          'Seal it in an envelope beside the device. It opens a locked port; typed at its prompt:',
          `  break-glass ${code}`,
          'An earlier code of this port is void.',
        ].join('\n'),
    })
  } finally {
    await foundation.close()
  }
}
