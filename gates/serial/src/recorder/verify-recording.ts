import type { KeyObject } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type Block, type BlocksEnd, readBlocks } from './block-reader.ts'
import {
  parseFooter,
  parseHeader,
  publicKeyFromText,
  publicKeyText,
  type RecordingFooter,
  type StoredHeader,
} from './header.ts'
import { isSignedMark, type RecordingMark } from './recording-mark.ts'
import { openRecording } from './sessions-directory.ts'

export interface RecordingFault {
  /** The first frame that is not as it was recorded, or is missing; 0 for what comes before the first. */
  frame: number
  /** Where in the file. */
  offset: number
  message: string
}

export interface RecordingVerification {
  /**
   * `clean`: all is as it was recorded, up to the signed footer. `interrupted`: the same, but a crash ended
   * the session, and the next start closed it. `incomplete`: nothing is wrong, but the end is missing.
   * `tampered`: `firstBad` cannot have come from this recorder.
   */
  status: 'clean' | 'interrupted' | 'incomplete' | 'tampered'
  /** Whether the public key was given, or had to be believed as the recording names it. */
  keyFrom: 'given' | 'recording'
  header: StoredHeader | null
  footer: RecordingFooter | null
  /** Frames that were found good. */
  frames: number
  /** Up to this frame a signature made during the recording vouches for them. */
  signedFrames: number
  /** The last good hash. */
  digest: string | null
  firstBad: RecordingFault | null
}

export interface VerifyRecordingOptions {
  publicKey?: KeyObject
  /** Marks that were kept elsewhere: the recording must reach each. */
  marks?: readonly RecordingMark[]
  /** Checks each signature; without it only the last, which stands for all that comes before it. */
  everySignature?: boolean
}

export async function verifyRecording(
  path: string,
  options: VerifyRecordingOptions = {},
): Promise<RecordingVerification> {
  const file = await openRecording(path)
  try {
    const result = await verifyBlocks(file, options)
    if (result.firstBad?.message !== BAD_SIGNATURE || options.everySignature) return result
    // The last signature is wrong, so that something before it is: the first wrong one says from where on.
    return await verifyRecording(path, { ...options, everySignature: true })
  } finally {
    await file.close()
  }
}

async function verifyBlocks(
  file: FileHandle,
  options: VerifyRecordingOptions,
): Promise<RecordingVerification> {
  const verifier = new RecordingVerifier(options)
  const blocks = readBlocks(file)
  for (;;) {
    const { done, value } = await blocks.next()
    if (done) return verifier.end(value)
    if (!verifier.block(value)) return verifier.result()
  }
}

const BAD_SIGNATURE = "the signature is not one of the recorder's key over what comes before it"

/** Takes a recording block by block. Each step answers whether all is well so far. */
export class RecordingVerifier {
  readonly #givenKey: KeyObject | undefined
  readonly #marks: readonly RecordingMark[]
  readonly #everySignature: boolean
  /** Of this session, and not reached yet, by the frame they stand at. */
  readonly #unreached = new Map<string, RecordingMark>()
  #key: KeyObject | null = null
  #header: StoredHeader | null = null
  #footer: RecordingFooter | null = null
  #ended = false
  #frames = 0
  #signedFrames = 0
  /** Up to here a signature was looked at, and good. */
  #checkedFrames = 0
  #signature: { offset: number; check(): boolean } | null = null
  #last: Block | null = null
  #firstBad: RecordingFault | null = null

  constructor({ publicKey, marks = [], everySignature = false }: VerifyRecordingOptions) {
    this.#givenKey = publicKey
    this.#marks = marks
    this.#everySignature = everySignature
  }

  get header(): StoredHeader | null {
    return this.#header
  }

  /** The number of the last good frame. */
  get frames(): number {
    return this.#frames
  }

  block(block: Block): boolean {
    const { offset, serial } = block
    if (this.#ended) return this.#bad(offset, 'something follows the end')
    if (serial <= (this.#last?.serial ?? 0)) return this.#bad(offset, 'a block has a number that was used')
    if ((block.kind === 'header') !== (this.#header === null)) {
      return this.#bad(offset, 'a recording has one header, and begins with it')
    }
    if (this.#footer !== null && block.kind !== 'end')
      return this.#bad(offset, 'something follows the footer')
    if (block.frames > 0 !== (block.kind === 'data'))
      return this.#bad(offset, 'frames stand where none belong')
    if (!this.#take(block)) return false
    this.#last = block
    this.#frames += block.frames
    this.#unreached.delete(`${this.#frames} ${block.hash.toString('hex')}`)
    return true
  }

  end({ kind, offset, message }: BlocksEnd): RecordingVerification {
    if (kind === 'bad') this.#bad(offset, message)
    else if (this.#ended && kind === 'torn') this.#bad(offset, 'something follows the end')
    else if (this.#marks.length > 0 && this.#header === null) {
      this.#bad(offset, 'there is nothing, where a checkpoint says there was a recording')
    } else this.#settle(offset)
    return this.result()
  }

  result(): RecordingVerification {
    const interrupted = this.#footer?.interrupted
    const whole = interrupted === undefined ? 'clean' : 'interrupted'
    return {
      status: this.#firstBad !== null ? 'tampered' : this.#ended ? whole : 'incomplete',
      keyFrom: this.#givenKey === undefined ? 'recording' : 'given',
      header: this.#header,
      footer: this.#footer,
      frames: this.#firstBad === null ? this.#frames : Math.max(0, this.#firstBad.frame - 1),
      signedFrames: Math.min(this.#signedFrames, interrupted?.signedFrames ?? this.#signedFrames),
      digest: this.#last?.hash.toString('hex') ?? null,
      firstBad: this.#firstBad,
    }
  }

  #take(block: Block): boolean {
    switch (block.kind) {
      case 'header':
        return this.#takeHeader(block)
      case 'data':
        return true
      case 'footer':
        return this.#takeFooter(block)
      case 'signature':
        return this.#takeSignature(block, block.body)
      case 'end':
        return this.#takeEnd(block)
    }
  }

  #takeHeader({ offset, body }: Block): boolean {
    const header = parseHeader(body)
    const named = header === null ? null : publicKeyFromText(header.publicKey)
    if (header === null || named === null)
      return this.#bad(offset, 'the header is none that a recorder writes')
    this.#key = this.#givenKey ?? named
    if (publicKeyText(this.#key) !== header.publicKey) {
      return this.#bad(offset, 'the header names another public key than the one that was given')
    }
    this.#header = header
    const own = this.#marks.filter(({ session }) => session === header.session)
    if (this.#marks.length > 0 && own.length === 0) {
      return this.#bad(
        offset,
        `no checkpoint is of session ${header.session}, which this is the recording of`,
      )
    }
    for (const mark of own) {
      if (!isSignedMark(mark, Buffer.from(mark.signature, 'base64url'), this.#key)) {
        return this.#bad(offset, "the checkpoint is not signed by the recorder's key")
      }
      this.#unreached.set(`${mark.frames} ${mark.hash}`, mark)
    }
    return true
  }

  #takeSignature(block: Block, signature: Buffer): boolean {
    const { offset } = block
    const frames = this.#frames
    const hash = (this.#last as Block).hash.toString('hex')
    const session = (this.#header as StoredHeader).session
    const check = () => isSignedMark({ session, frames, hash }, signature, this.#key as KeyObject)
    this.#signature = { offset, check }
    if (this.#everySignature && !check()) return this.#badSignature(offset)
    if (this.#everySignature) this.#checkedFrames = frames
    this.#signedFrames = frames
    return true
  }

  #takeFooter({ offset, body }: Block): boolean {
    const footer = parseFooter(body)
    if (footer === null) return this.#bad(offset, 'the footer is none that a recorder writes')
    if (footer.frames !== this.#frames)
      return this.#bad(offset, 'the footer counts other frames than there are')
    this.#footer = footer
    return true
  }

  #takeEnd(block: Block): boolean {
    const { offset, body } = block
    const last = this.#last as Block
    if (this.#footer === null || body.length !== 68 || body.readUInt32BE(64) !== offset - last.offset) {
      return this.#bad(offset, 'the end is none that a recorder writes')
    }
    this.#ended = true
    return this.#takeSignature(block, body.subarray(0, 64))
  }

  /** The last signature stands for all before it; then every mark must have been met. */
  #settle(offset: number): void {
    if (this.#signature !== null && !this.#signature.check()) {
      this.#badSignature(this.#signature.offset)
      return
    }
    const [missed] = [...this.#unreached.values()].sort((a, b) => a.frames - b.frames)
    if (missed === undefined) return
    const frames = this.#frames
    if (missed.frames > frames) {
      const message = `the end is missing: a checkpoint was signed after frame ${missed.frames}`
      this.#firstBad = { frame: frames + 1, offset, message }
    } else {
      const message = `the recording is another than the one whose checkpoint was signed after frame ${missed.frames}`
      this.#firstBad = { frame: missed.frames, offset, message }
    }
  }

  #badSignature(offset: number): false {
    this.#firstBad = { frame: this.#checkedFrames + 1, offset, message: BAD_SIGNATURE }
    return false
  }

  #bad(offset: number, message: string): false {
    // A signature before it that is wrong says that the first bad frame is an earlier one.
    if (this.#signature !== null && !this.#signature.check())
      return this.#badSignature(this.#signature.offset)
    const frame = this.#header === null ? 0 : this.#frames + 1
    this.#firstBad = { frame, offset, message }
    return false
  }
}
