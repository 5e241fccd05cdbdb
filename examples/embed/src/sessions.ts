import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** An attempt at Sallyport's own login, of which the page never sees the token. */
export interface Attempt {
  token: string
  chain: unknown
  methods: unknown
  rememberDays: unknown
}

export interface Session {
  user: string
  /** Whether Sallyport holds the password, and not this app: two directories, whose names may be alike. */
  staff: boolean
  /** `half`: the password was right, and the second factor is still to come. */
  kind: 'half' | 'full'
  /** When a second factor was last proved. */
  provedAt: number
  attempt?: Attempt
}

export interface Sessions {
  find(request: IncomingMessage): Session | null
  /** A new session under a new name: what was known of the one before it opens nothing. */
  begin(request: IncomingMessage, response: ServerResponse, session: Session): void
  end(request: IncomingMessage): void
}

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  const tokenOf = ({ headers }: IncomingMessage) =>
    /(?:^|;\s*)session=([\w-]+)/.exec(headers.cookie ?? '')?.[1] ?? ''
  return {
    find: (request) => sessions.get(tokenOf(request)) ?? null,
    begin(request, response, session) {
      sessions.delete(tokenOf(request))
      const token = randomBytes(32).toString('base64url')
      sessions.set(token, session)
      // Behind TLS also `Secure`, and the prefix `__Host-`.
      response.appendHeader('set-cookie', `session=${token}; Path=/; HttpOnly; SameSite=Strict`)
    },
    end: (request) => void sessions.delete(tokenOf(request)),
  }
}
