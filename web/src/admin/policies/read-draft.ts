import { ProblemError } from '@sallyport/sdk'

/** Somewhere to begin: two doors for administrators, one for everybody else. */
export const firstDraft = `policies:
  - name: two doors for administrators
    when: { roles: [admin] }
    action: chain
    too_few: enrol
    chain:
      mode: fixed
      required_steps: 2
      factors:
        - { id: app, label: Authenticator, type: totp }
        - { id: other, label: Second proof, any_of: [email, backup] }

  - name: one door for everybody
    action: chain
    too_few: enrol
    chain:
      mode: fixed
      required_steps: 1
      factors:
        - { id: any, label: Second factor, any_of: [totp, email, backup, yubikey, webauthn] }
`

export interface DraftFault {
  /** Where in the text, where that is known. */
  line: number | null
  path: string
  message: string
}

/** What is wrong with a draft, and where. */
export class DraftError extends Error {
  readonly faults: readonly DraftFault[]
  constructor(faults: readonly DraftFault[]) {
    super('the draft cannot be used')
    this.faults = faults
  }
}

/** Reads a draft and sends it; what is refused about it is told with its line. */
export async function withDraft<T>(
  text: string,
  send: (draft: Record<string, unknown>) => Promise<T>,
): Promise<T> {
  const { value, lineOf } = await readDraft(text)
  try {
    return await send(value)
  } catch (error) {
    if (!(error instanceof ProblemError) || error.errors.length === 0) throw error
    throw new DraftError(error.errors.map((fault) => ({ ...fault, line: lineOf(fault.path) })))
  }
}

/** YAML, and so JSON too. What reads it is loaded when somebody has a draft. */
async function readDraft(text: string) {
  const { LineCounter, parseDocument } = await import('yaml')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  const lineAt = (offset: number) => lineCounter.linePos(offset).line
  const fault = ({ pos, message }: { pos: [number, number]; message: string }) => ({
    ...{ line: lineAt(pos[0]), path: '', message },
  })
  if (document.errors.length > 0) throw new DraftError(document.errors.map(fault))
  const value = mappingOf(document)
  /** The line of `policies[0].action`, or of what it should be in. */
  function lineOf(path: string): number | null {
    const steps = path.match(/[^.[\]]+/g)?.map((step) => (/^\d+$/.test(step) ? Number(step) : step)) ?? []
    for (; steps.length > 0; steps.pop()) {
      const node = document.getIn(steps, true) as { range?: [number, number, number] } | undefined
      if (node?.range) return lineAt(node.range[0])
    }
    return null
  }
  return { value, lineOf }
}

function mappingOf(document: { toJS(): unknown }): Record<string, unknown> {
  let value: unknown
  try {
    value = document.toJS()
  } catch (error) {
    // It refers to itself too often to be read.
    throw new DraftError([{ line: null, path: '', message: (error as Error).message }])
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new DraftError([{ line: 1, path: '', message: 'must be a mapping, such as `policies: []`' }])
}
