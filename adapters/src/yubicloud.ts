import {
  isSignedBy,
  type OtpProof,
  type OtpValidator,
  type Random,
  SallyportError,
  spendOf,
  type ValidationFields,
  validationSignature,
  type YubikeyOtp,
} from '@sallyport/core'

const longestAnswer = 4_096
const nonceBytes = 16

export interface YubicloudOptions {
  clientId: string
  /** Signs requests and answers. */
  apiKey: Uint8Array
  /** All are asked at once. */
  urls: readonly string[]
  /** In milliseconds. */
  timeout: number
  random: Random
}

/** A server that gave no answer to go by, and why not. */
class NoAnswer extends Error {}

/**
 * Validates by YubiCloud, or whatever else speaks validation protocol 2.0. The first answer that is signed, and
 * about this very OTP and nonce, decides; with none of that kind nothing is accepted.
 */
export function createYubicloudValidator(options: YubicloudOptions): OtpValidator {
  const { clientId, apiKey, urls, timeout, random } = options

  async function validate(otp: YubikeyOtp): Promise<OtpProof | null> {
    const nonce = Buffer.from(random.bytes(nonceBytes)).toString('hex')
    const fields = { id: clientId, nonce, otp: otp.text, timestamp: '1' }
    const query = new URLSearchParams({ ...fields, h: validationSignature(fields, apiKey) }).toString()
    const decided = new AbortController()
    const signal = AbortSignal.any([decided.signal, AbortSignal.timeout(timeout)])
    try {
      const genuine = await Promise.any(
        urls.map(async (url) => judge(await ask(`${url}?${query}`, signal), { otp, nonce })),
      )
      return genuine ? { spends: [spendOf(otp)], detail: { validated_by: 'yubicloud' } } : null
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error
      const reasons = error.errors.map((reason, index) => `${hostOf(urls[index]!)}: ${reasonOf(reason)}`)
      throw new SallyportError(
        'yubikey_unavailable',
        `no YubiKey validation server gave an answer to be trusted (${reasons.join('; ')})`,
        { cause: error },
      )
    } finally {
      // The others need not go on.
      decided.abort()
    }
  }

  /** Whether the OTP is genuine; throws where this answer does not tell. */
  function judge(answer: ValidationFields, asked: { otp: YubikeyOtp; nonce: string }): boolean {
    const { status = '' } = answer
    const word = /^[A-Z_]{1,32}$/.test(status) ? status : 'no status'
    if (!isSignedBy(answer, apiKey)) throw new NoAnswer(`${word}, not signed with the API key`)
    // What other servers were asked at the same time may come back as a request seen before: it tells nothing.
    if (status !== 'OK' && status !== 'BAD_OTP' && status !== 'REPLAYED_OTP') throw new NoAnswer(word)
    if (answer.otp?.toLowerCase() !== asked.otp.text || answer.nonce !== asked.nonce)
      throw new NoAnswer(`${word}, for another request`)
    return status === 'OK'
  }

  return { validate }
}

async function ask(url: string, signal: AbortSignal): Promise<ValidationFields> {
  const response = await fetch(url, { signal, redirect: 'error' })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new NoAnswer(`HTTP status ${response.status}`)
  }
  return readAnswer(await readText(response))
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > longestAnswer) throw new NoAnswer('an answer without end')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** Lines of `name=value`. No line may stand for two fields of what is signed, nor two lines for one. */
function readAnswer(text: string): ValidationFields {
  const fields = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^([a-z]{1,32})=([^&]*)$/.exec(line) ?? []
    if (line !== '' && (name === undefined || fields.has(name)))
      throw new NoAnswer('no answer of the protocol')
    if (name !== undefined) fields.set(name, value!)
  }
  return Object.fromEntries(fields)
}

function reasonOf(reason: unknown): string {
  if (reason instanceof NoAnswer) return reason.message
  if (reason instanceof DOMException && reason.name === 'TimeoutError') return 'no answer in time'
  const { cause, message } = reason as Error & { cause?: Partial<NodeJS.ErrnoException> }
  return cause?.code ?? cause?.message ?? message
}

function hostOf(url: string): string {
  return new URL(url).host
}
