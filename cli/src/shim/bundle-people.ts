import { statSync } from 'node:fs'
import { findSubject, loginApplication, SallyportError, type Store, type Subject } from '@sallyport/core'
import { type ListedTechnician, parseTechnicianFile } from '@sallyport/gate-serial'
import { readYaml } from '../read-yaml.ts'

export interface PeopleOptions {
  from?: string
  role?: string
  user: readonly string[]
}

/** Who goes into a bundle: those of a file, users with a role, users by name; never one who was shut out. */
export async function peopleOf(options: PeopleOptions, store: Store): Promise<ListedTechnician[]> {
  const { from, role, user } = options
  if (from === undefined && role === undefined && user.length === 0)
    throw new SallyportError('invalid_input', 'say who goes into the bundle: --from, --role or --user')
  const listed = from === undefined ? [] : readTechnicians(from)
  const subjects = role === undefined ? [] : await usersWithRole(role, store)
  for (const name of user) {
    const found = await findSubject(store, loginApplication, name)
    if (!found) throw new SallyportError('not_found', `--user: there is no user "${name}"`)
    if (found.disabledAt !== null)
      throw new SallyportError('invalid_input', `--user: ${name} was shut out by an administrator`)
    if (!subjects.some(({ id }) => id === found.id)) subjects.push(found)
  }
  return [...listed, ...subjects.map(({ ref }) => ({ id: ref, yubikeys: [] }))]
}

function readTechnicians(file: string): ListedTechnician[] {
  const listed = parseTechnicianFile(readYaml(file), file)
  const secret = listed.some(({ yubikeys }) => yubikeys.length > 0)
  if (secret && statSync(file).mode & 0o077)
    throw new SallyportError(
      'config_invalid',
      `${file}: holds secrets of YubiKeys, and others could read them; run \`chmod 600 ${file}\``,
    )
  return listed
}

async function usersWithRole(role: string, store: Store): Promise<Subject[]> {
  const found: Subject[] = []
  for (let after: string | null = null; ; ) {
    const page = await store.read((tx) => tx.subjects.list(loginApplication, { after, limit: 500, role }))
    found.push(...page.items.filter(({ disabledAt }) => disabledAt === null))
    if (page.next === null) break
    after = page.next
  }
  if (found.length > 0) return found
  throw new SallyportError('not_found', `--role: nobody has the role "${role}"`)
}
