import { SallyportError } from '@sallyport/core'
import type { RecordingMark, RecordingVerification } from '@sallyport/gate-serial'
import type { Command } from 'commander'
import { print, style } from '../output.ts'
import {
  isDirectory,
  loadGate,
  naming,
  publicKeyFor,
  readText,
  recordingCommand,
  recordingsAt,
} from './recording-common.ts'

interface VerifyOptions {
  publicKey?: string
  checkpoint?: string[]
  json?: boolean
}

/** `checkpoints`: how many were held against it, where any were given. */
type Verdict = RecordingVerification & { file: string; checkpoints: number | undefined }

export function verifyCommand(): Command {
  return recordingCommand('verify', 'prove that nothing in a recording was altered')
    .argument('<path>', 'a recording, or a directory of them')
    .option('--public-key <file>', "the serial gate's public key (default: the one under `state/`)")
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: the recordings must reach them')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExit code 0: clean. 1: interrupted, incomplete or tampered. 2: called in a wrong way.\n\nExample:\n  $ sallyport recording verify sessions --public-key recording.pub --checkpoint heartbeats.jsonl\n',
    )
    .action((path: string, options: VerifyOptions) => verify(path, options))
}

async function verify(path: string, options: VerifyOptions): Promise<void> {
  const { verifyRecording } = await loadGate()
  const key = await publicKeyFor(path, options.publicKey)
  const marks = (await Promise.all((options.checkpoint ?? []).map(readMarks))).flat()
  const many = isDirectory(path)
  const verdicts: Verdict[] = []
  for (const file of await recordingsAt(path)) {
    const own = await marksFor(file, marks, { many })
    const found = await naming(file, verifyRecording(file, { ...key, marks: own }))
    verdicts.push({ file, checkpoints: options.checkpoint && own.length, ...found })
  }
  const sessions = new Set(verdicts.map(({ header }) => header?.session))
  const missing = many
    ? [...new Set(marks.map(({ session }) => session))].filter((one) => !sessions.has(one))
    : []
  if (missing.length > 0 || verdicts.some(({ status }) => status !== 'clean')) process.exitCode = 1
  const { harmlessLine } = await loadGate()
  const shown = verdicts.map(described)
  print({
    json: options.json ?? false,
    data: many ? { recordings: shown, missing_sessions: missing } : shown[0],
    text: () =>
      harmlessLines([...verdicts.map(sentence), ...missing.map(missingSentence), ...trust(verdicts)]),
  })

  function harmlessLines(lines: string[]): string {
    return lines.length === 0 ? 'there are no recordings' : lines.join('\n')
  }
  function sentence(verdict: Verdict): string {
    return `${painted(verdict.status)}: ${harmlessLine(`${verdict.file}: ${findings(verdict)}`)}`
  }
  function missingSentence(session: string): string {
    return `${style.red('missing')}: ${harmlessLine(session)}: there is a checkpoint of that session, and no recording`
  }
}

async function readMarks(file: string): Promise<RecordingMark[]> {
  const { parseMarks } = await loadGate()
  const text = readText(file)
  try {
    return parseMarks(text)
  } catch (error) {
    throw new SallyportError('invalid_input', `${file}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Each recording answers for its own checkpoints; in a directory those of none are missed afterwards. One file of
 * which not even the beginning is left answers for all.
 */
async function marksFor(
  file: string,
  marks: readonly RecordingMark[],
  { many }: { many: boolean },
): Promise<readonly RecordingMark[]> {
  const { summarize } = await loadGate()
  const { header } = await naming(file, summarize(file))
  if (header === null && !many) return marks
  return marks.filter(({ session }) => session === header?.session)
}

function described({ file, checkpoints, ...result }: Verdict) {
  const { status, header, footer, frames, signedFrames, digest, keyFrom, firstBad } = result
  return {
    file,
    status,
    session: header?.session ?? null,
    frames,
    signed_frames: signedFrames,
    digest,
    checkpoints,
    reason: footer?.reason ?? null,
    gaps: footer?.gaps ?? null,
    interrupted: footer?.interrupted ?? null,
    key_from: keyFrom,
    first_bad: firstBad,
  }
}

function painted(status: RecordingVerification['status']): string {
  const paint = {
    clean: style.green,
    interrupted: style.yellow,
    incomplete: style.yellow,
    tampered: style.red,
  }
  return paint[status](status)
}

function findings(verdict: Verdict): string {
  const { status, frames, signedFrames, footer, firstBad } = verdict
  const gaps = footer !== null && footer.gaps > 0 ? `, with ${footer.gaps} gaps that it names` : ''
  const unsigned =
    signedFrames < frames ? `; those after ${signedFrames} were not signed while they were recorded` : ''
  if (status === 'tampered')
    return `frame ${firstBad?.frame} (byte ${firstBad?.offset}): ${firstBad?.message}`
  const unmet = verdict.checkpoints === 0 ? '; no checkpoint is of this one' : ''
  if (status === 'clean') return `${frames} frames${gaps}, signed to the end${unmet}`
  const what = `${frames} frames are as they were recorded`
  if (status === 'incomplete') return `${what}, but the end is missing${unsigned}${unmet}`
  return `${what}; a crash ended the session, and the next start closed it${unsigned}${unmet}`
}

function trust(verdicts: readonly Verdict[]): string[] {
  if (verdicts.every(({ keyFrom }) => keyFrom === 'given')) return []
  return [
    style.yellow(
      'The public key was taken from the recording itself: give --public-key to rule out a forged one.',
    ),
  ]
}
