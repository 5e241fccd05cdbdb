import { randomBytes } from 'node:crypto'
import express, { type Express, type Request, type Response } from 'express'
import type { Answer, Sallyport } from './sallyport.ts'
import type { Users } from './users.ts'

interface Session {
  user: string
  /** `half`: the password was right and the code is still to come. Opens nothing but `/login/code`. */
  kind: 'half' | 'full'
}

/** An app that owns its users, and asks Sallyport for the second factor. */
export function createApp({ users, sallyport }: { users: Users; sallyport: Sallyport }): Express {
  const sessions = new Map<string, Session>()
  const app = express()
  app.disable('x-powered-by')
  app.use(express.json({ limit: '8kb' }))

  /** A new session under a new name: what was known of the one before it opens nothing. */
  function begin(request: Request, response: Response, session: Session): void {
    sessions.delete(tokenOf(request))
    const token = randomBytes(32).toString('base64url')
    sessions.set(token, session)
    response.cookie('session', token, { httpOnly: true, sameSite: 'lax', secure: request.secure })
  }

  function userOf(request: Request, kind: Session['kind']): string | null {
    const session = sessions.get(tokenOf(request))
    return session?.kind === kind ? session.user : null
  }

  app.post('/login', async (request, response) => {
    const { user, password } = request.body ?? {}
    const known =
      typeof user === 'string' && typeof password === 'string' && (await users.check(user, password))
    if (!known) return void response.status(401).json({ error: 'wrong user or password' })
    const enrolled = await sallyport.isEnrolled(user)
    begin(request, response, { user, kind: enrolled ? 'half' : 'full' })
    response.json({ next: enrolled ? 'code' : 'done' })
  })

  app.post('/login/code', async (request, response) => {
    const user = userOf(request, 'half')
    if (user === null) return void response.status(401).json({ error: 'sign in first' })
    const answer = await sallyport.verify(user, request.body?.code, request.ip)
    if (answer.status !== 200) return pass(response, answer)
    begin(request, response, { user, kind: 'full' })
    response.json({ next: 'done' })
  })

  app.get('/me', (request, response) => {
    const user = userOf(request, 'full')
    if (user === null) return void response.status(401).json({ error: 'sign in first' })
    response.json({ user })
  })

  app.post('/mfa/enroll', async (request, response) => {
    const user = userOf(request, 'full')
    if (user === null) return void response.status(401).json({ error: 'sign in first' })
    pass(response, await sallyport.enrol(user, `${user}@example-express-app`))
  })

  app.post('/mfa/confirm', async (request, response) => {
    const user = userOf(request, 'full')
    if (user === null) return void response.status(401).json({ error: 'sign in first' })
    pass(response, await sallyport.confirm(user, request.body?.code))
  })

  // Express knows a handler of errors by its four parameters.
  app.use((error: { status?: number }, _request: Request, response: Response, _next: unknown) => {
    const { status = 503 } = error
    response.status(status).json({ error: status < 500 ? 'bad request' : 'try again later' })
  })
  return app
}

/** Sallyport's answers say nothing that a user may not know. */
function pass(response: Response, { status, body }: Answer): void {
  response.status(status).json(body)
}

function tokenOf(request: Request): string {
  return /(?:^|;\s*)session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
}
