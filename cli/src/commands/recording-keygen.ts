import { systemRandom } from '@sallyport/core'
import type { Command } from 'commander'
import { print, style } from '../output.ts'
import { writePrivateKey } from '../write-private-key.ts'
import { loadGate, recordingCommand } from './recording-common.ts'

interface KeygenOptions {
  out: string
  json?: boolean
}

export function keygenCommand(): Command {
  return recordingCommand('keygen', 'make a key pair for an auditor, to whom recordings are sealed')
    .requiredOption('--out <file>', 'where the private key goes; keep it off the serial gate')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nThe line it prints goes into `storage.auditor_keys` of the serial gate.\n\nExample:\n  $ sallyport recording keygen --out auditor.key\n',
    )
    .action((options: KeygenOptions) => keygen(options))
}

async function keygen({ out, json = false }: KeygenOptions): Promise<void> {
  const { generateAuditorKey } = await loadGate()
  const { privateKeyPem, publicKey } = generateAuditorKey(systemRandom)
  writePrivateKey(out, privateKeyPem)
  print({
    json,
    data: { private_key_file: out, public_key: publicKey },
    text: () => `${style.green('wrote')} ${out}, which opens what is sealed for\n${publicKey}`,
  })
}
