import {
  createUser,
  findSubject,
  hashPassword,
  loginApplication,
  passwordFaults,
  SallyportError,
  type Subject,
  storePassword,
  ticketLink,
} from '@sallyport/core'
import type { Command } from 'commander'
import { print, style, table } from '../output.ts'
import type { Sallyport } from '../sallyport.ts'
import { publicUrlOf } from '../services.ts'
import {
  addGroup,
  type CommonOptions,
  curlLine,
  installationCommand,
  isoTime,
  readStdin,
  wholeNumber,
  withSallyport,
} from './common.ts'

interface CreateOptions extends CommonOptions {
  email: string
  role: string
  company?: string
  extension?: string
  passwordStdin: true
}

export function addUserCommands(program: Command): void {
  const create = installationCommand('create', 'create a user who signs in with a password')
    .requiredOption('--email <address>', 'the address the user signs in with')
    .requiredOption('--role <name>', 'user, admin, or a configured role')
    .option('--company <name>', 'the company the user belongs to')
    .option('--extension <name>', 'a further name of the same user, such as a PBX extension')
    .requiredOption('--password-stdin', 'read the password from standard input')
    .addHelpText(
      'after',
      "\nExample:\n  $ printf %s 'correct horse battery' | sallyport user create --email ada@example.org --role admin --password-stdin\n",
    )
    .action((options: CreateOptions) => addUser(options))
  const list = installationCommand('list', 'list the users')
    .option('--search <text>', 'only those whose name contains this')
    .option('--after <cursor>', 'the page after this cursor')
    .option('--limit <n>', 'how many (at most 1000)', '100')
    .addHelpText('after', '\nExample:\n  $ sallyport user list --search ada\n')
    .action((options: CommonOptions & ListOptions) => listUsers(options))
  const unlock = installationCommand('unlock', 'forget the wrong guesses counted against a user')
    .argument('<name>', 'e-mail address or extension')
    .addHelpText('after', '\nExample:\n  $ sallyport user unlock ada@example.org\n')
    .action((name: string, options: CommonOptions) => unlockUser(name, options))
  const recover = installationCommand('recover', 'break glass: let somebody in again who lost every factor')
    .requiredOption('--email <address>', 'the address, or another name of the user')
    .option('--yes', 'do it: remove the factors, end the sessions, print the link')
    .addHelpText(
      'after',
      '\nFor the last administrator, when nobody else can help; everybody else is helped by an administrator.\n\nExample:\n  $ sallyport user recover --email ada@example.org --yes\n',
    )
    .action((options: RecoverOptions) => recoverUser(options))
  addGroup(program, {
    name: 'user',
    description: 'create, list, unlock and recover users',
    commands: [create, list, unlock, recover],
  })
}

async function addUser(options: CreateOptions): Promise<void> {
  const { email, role, company, extension } = options
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) {
    throw new SallyportError('invalid_input', `--email: ${JSON.stringify(email)} is no e-mail address`)
  }
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(role)) {
    throw new SallyportError(
      'invalid_input',
      `--role: ${JSON.stringify(role)} is no name of a role (letters, digits, _ and -)`,
    )
  }
  const password = await readStdin()
  const faults = passwordFaults(password)
  if (faults.length > 0)
    throw new SallyportError('invalid_input', `the password ${faults[0]!.message}`, { faults })
  const wanted = { email, role, company: company ?? null, extension, password }
  const subject = await withSallyport(options, (sallyport) => storeUser(sallyport, wanted), { begin: true })
  print({
    json: options.json ?? false,
    data: { id: subject.id, email, role, company: subject.company },
    text: () => `${style.green('created')} ${email} (${role}), id ${subject.id}`,
  })
}

async function storeUser(
  sallyport: Sallyport,
  user: {
    email: string
    role: string
    company: string | null
    extension: string | undefined
    password: string
  },
): Promise<Subject> {
  const { store, vault, clock, random, passwordScheme: scheme } = sallyport
  const { password, ...wanted } = user
  const plaintext = Buffer.from(await hashPassword(password, { scheme, random }))
  return store.transaction(async (tx) => {
    const context = { tx, clock, random }
    const subject = await createUser({ ...wanted, emailVerified: true, actor: 'cli' }, context)
    const sealed = vault.seal({ subject: subject.id, purpose: 'password', plaintext })
    await storePassword({ subject, sealed }, context)
    return subject
  })
}

interface ListOptions {
  search?: string
  after?: string
  limit: string
}

async function listUsers(options: CommonOptions & ListOptions): Promise<void> {
  const limit = wholeNumber('--limit', options.limit, { from: 1, to: 1000 })
  const request = {
    limit,
    after: options.after ?? null,
    ...(options.search === undefined ? {} : { search: options.search }),
  }
  const page = await withSallyport(options, ({ store }) =>
    store.read((tx) => tx.subjects.list(loginApplication, request)),
  )
  const users = page.items.map(({ id, email, role, company, createdAt }) => ({
    id,
    email,
    role,
    company,
    created_at: isoTime(createdAt),
  }))
  print({
    json: options.json ?? false,
    data: { users, next: page.next },
    text: () => {
      if (users.length === 0) return 'no users'
      const rows = users.map((user) => [
        user.email ?? '–',
        user.role,
        user.company ?? '–',
        user.created_at,
        user.id,
      ])
      const more = page.next === null ? '' : `\n${style.dim(`more: --after ${page.next}`)}`
      return table(['E-MAIL', 'ROLE', 'COMPANY', 'CREATED', 'ID'], rows) + more
    },
  })
}

async function unlockUser(name: string, options: CommonOptions): Promise<void> {
  const cleared = await withSallyport(options, async ({ store, users }) => {
    const subject = await findSubject(store, loginApplication, name)
    if (!subject) throw new SallyportError('not_found', `there is no user ${JSON.stringify(name)}`)
    return users.unlock({ id: subject.id, actor: 'cli' })
  })
  print({
    json: options.json ?? false,
    data: { name, cleared },
    text: () => (cleared ? `${style.green('unlocked')} ${name}` : `${name} had no wrong guesses counted`),
  })
}

interface RecoverOptions extends CommonOptions {
  email: string
  yes?: true
}

async function recoverUser({ email, yes, ...options }: RecoverOptions): Promise<void> {
  const recovered = await withSallyport(options, async ({ config, store, recovery }) => {
    const subject = await findSubject(store, loginApplication, email)
    if (!subject) throw new SallyportError('not_found', `there is no user ${JSON.stringify(email)}`)
    if (!yes) {
      throw new SallyportError(
        'invalid_input',
        `this would remove every factor of ${email} and end their sessions: add --yes to do it`,
      )
    }
    const help = { id: subject.id, actor: 'cli', reason: 'break-glass on the host', mail: false }
    const { removed, link } = (await recovery.resetFactors(help))!
    const publicUrl = publicUrlOf(config)
    return { id: subject.id, removed, publicUrl, ...link, token: link.token! }
  })
  const { id, removed, publicUrl, purpose, token, expiresAt } = recovered
  const link = ticketLink(publicUrl, { purpose, token })
  const path = purpose === 'invitation' ? '/auth/invitation/accept' : '/auth/enrolment-link/accept'
  print({
    json: options.json ?? false,
    data: { id, removed, purpose, link, token, expires_at: isoTime(expiresAt) },
    text: () =>
      [
        `${style.green('recovered')} ${email}: ${removed} removed. This link works once, until ${isoTime(expiresAt)}:`,
        `  ${style.bold(link)}`,
        'or, without a browser:',
        `  ${curlLine(`${publicUrl}${path}`, { token, password: '…' })}`,
      ].join('\n'),
  })
}
