import type {
  Resealable,
  SealedRow,
  SealedSecret,
  SecretPort,
  SettingPort,
  Store,
  Tx,
  VaultKeyPort,
  WrappedKey,
} from '../../store.ts'

interface State {
  keys: WrappedKey[]
  settings: Map<string, string>
  rows: Map<string, SealedRow>
  secrets: Map<string, SealedSecret>
}

/** Stands for a process that dies: at a write (nothing of the transaction stays) or right after a commit. */
export class Died extends Error {}

/**
 * The vault's ports in memory, with real atomicity: a transaction works on a copy, one at a time. `faults`
 * is asked before every write and after every commit, and throws where the test wants the process to die.
 */
export function createFakeStore(faults: { write?: () => void; committed?: () => void } = {}) {
  let state: State = { keys: [], settings: new Map(), rows: new Map(), secrets: new Map() }
  let queue: Promise<unknown> = Promise.resolve()
  let reads = 0

  async function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work)
    queue = turn.catch(() => {})
    return turn
  }

  const store = {
    transaction: <T>(work: (tx: Tx) => Promise<T>) =>
      exclusive(async () => {
        const draft = structuredClone(state)
        const result = await work(ports(draft, () => faults.write?.()))
        state = draft
        faults.committed?.()
        return result
      }),
    read: <T>(work: (tx: Tx) => Promise<T>) =>
      exclusive(async () => {
        reads++
        const refuse = () => {
          throw new Error('a write in a read')
        }
        return work(ports(structuredClone(state), refuse))
      }),
  } as Store

  return {
    store,
    faults,
    get state() {
      return state
    },
    get reads() {
      return reads
    },
    /** Adds what an enrolment would be: a row with a sealed secret. */
    put(row: SealedRow) {
      state.rows.set(row.id, row)
    },
  }
}

/** What rotation walks over here: the rows, and the named secrets. */
export const fakeResealables = (tx: Tx): Resealable[] => [tx.enrolments, tx.secrets]

function ports(state: State, write: () => void): Tx {
  const vaultKeys: VaultKeyPort = {
    async insert(key) {
      write()
      if (state.keys.some(({ id }) => id === key.id)) return false
      state.keys.push(key)
      return true
    },
    list: async () => structuredClone(state.keys),
    async setStatus(id, from, to, at) {
      write()
      const key = state.keys.find((candidate) => candidate.id === id && candidate.status === from)
      if (!key) return false
      key.status = to
      if (to === 'retired') Object.assign(key, { retiredAt: at, wrapped: null })
      return true
    },
  }
  const settings: SettingPort = {
    find: async (name) => state.settings.get(name) ?? null,
    async insert(name, value) {
      write()
      if (state.settings.has(name)) return false
      state.settings.set(name, value)
      return true
    },
    async put(name, value) {
      write()
      state.settings.set(name, value)
    },
  }
  const rows = () => [...state.rows.values()]
  const named = () =>
    [...state.secrets].map(([name, sealed]) => ({ id: name, subject: 'installation', purpose: name, sealed }))
  const secrets: SecretPort = {
    ...resealable(named, (id, sealed) => state.secrets.set(id, sealed), write),
    find: async (name) => state.secrets.get(name) ?? null,
    async insert(name, sealed) {
      write()
      if (state.secrets.has(name)) return false
      state.secrets.set(name, sealed)
      return true
    },
  }
  const enrolments = resealable(rows, (id, sealed) => Object.assign(state.rows.get(id)!, { sealed }), write)
  return { vaultKeys, settings, secrets, enrolments } as unknown as Tx
}

function resealable(
  all: () => SealedRow[],
  replace: (id: string, sealed: SealedSecret) => void,
  write: () => void,
): Resealable {
  return {
    sealedUnderOtherKeys: async (keyId, limit) =>
      all()
        .filter((row) => row.sealed.keyId !== keyId)
        .slice(0, limit),
    async reseal(id, from, sealed) {
      write()
      if (!all().some((row) => row.id === id && row.sealed.keyId === from)) return false
      replace(id, sealed)
      return true
    },
    countSealedUnder: async (keyId) => all().filter((row) => row.sealed.keyId === keyId).length,
  }
}
