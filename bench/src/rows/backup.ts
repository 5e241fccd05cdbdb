import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import {
  type Enrolment,
  generateBackupCodes,
  hashBackupCodes,
  randomId,
  type Subject,
  systemRandom,
} from '@sallyport/core'
import type { Contender, Race, Row } from '../harness.ts'
import { openOnSqlite, type Product } from '../product.fixture.ts'
import { callers, cost } from '../timing.ts'
import { createWalker, demand, type Walker } from '../walker.ts'

const slowHash = promisify(pbkdf2)
const minutesApart = 61_000
const format = 'short'
const wrongCode = 'WRNG-CDEZ'

const names = {
  ours: 'start + verify (ours)',
  each: 'a PBKDF2 for each of ten codes',
  judged: 'a wrong code, judged',
  refused: 'a wrong code past the budget',
}

/** Codes that are hashed slowly: what a right one costs, a wrong one, and one too many. */
export function backupRow(settings: { iterations: number }): Row {
  return {
    name: 'backup',
    title: `backup-code verification, stored, PBKDF2-SHA256 × ${settings.iterations}`,
    async prepare() {
      const product = await openOnSqlite()
      return { ...(await race({ ...settings, product })), close: () => product.close() }
    },
  }
}

interface Setting {
  product: Product
  iterations: number
}

async function race(setting: Setting): Promise<Race> {
  const contenders = [
    rightCode(setting),
    { name: names.each, run: () => cost(() => hashEach(setting.iterations)) },
    await wrongCodes(setting),
    await pastTheBudget(setting),
  ]
  const claims: Race['claims'] = [
    {
      text: 'CPU time, ours ÷ ten PBKDF2s',
      of: [names.ours, 'CPU ms'],
      per: [names.each, 'CPU ms'],
      atMost: 1 / 9,
    },
    {
      text: 'CPU time, wrong ÷ right (the same work)',
      of: [names.judged, 'CPU ms'],
      per: [names.ours, 'CPU ms'],
    },
    {
      text: 'time, past the budget ÷ judged',
      of: [names.refused, 'p50 ms'],
      per: [names.judged, 'ms'],
      atMost: 0.02,
    },
  ]
  return { contenders, claims }
}

/** One verification a run; a set that is used up is replaced outside what is measured. */
function rightCode({ product, iterations }: Setting): Contender {
  const walker = walkerOf(product)
  let subject: Subject
  let codes: string[] = []
  return {
    name: names.ours,
    async run() {
      if (codes.length === 0) ({ subject, codes } = await enrol({ product, iterations }))
      const input = codes.pop()
      return cost(async () => {
        const { status } = await walker.attempts.verify({ attemptId: await walker.begin(subject), input })
        demand(status, 'complete')
      })
    },
  }
}

async function hashEach(iterations: number): Promise<void> {
  for (let code = 0; code < 10; code++) await slowHash('WRNGCDEZ', randomBytes(16), iterations, 32, 'sha256')
}

/** Minutes apart, so that the budget is never used up. */
async function wrongCodes(setting: Setting): Promise<Contender> {
  const walker = walkerOf(setting.product)
  const { subject } = await enrol(setting)
  return {
    name: names.judged,
    async run() {
      walker.clock.at += minutesApart
      return cost(async () => {
        const attemptId = await walker.begin(subject)
        demand((await walker.attempts.verify({ attemptId, input: wrongCode })).status, 'rejected')
      })
    },
  }
}

/** All at one moment, of a subject who was locked before; the codes that did it had the wrong shape. */
async function pastTheBudget(setting: Setting): Promise<Contender> {
  const walker = walkerOf(setting.product)
  const { subject } = await enrol(setting)
  const guess = async (attemptId: string, input: string) =>
    (await walker.attempts.verify({ attemptId, input })).status
  const first = await walker.begin(subject)
  while ((await guess(first, '000000')) === 'rejected');
  const attemptId = await walker.begin(subject)
  const refusal = async () => demand(await guess(attemptId, wrongCode), 'locked')
  return { name: names.refused, run: (ms) => callers({ ms, count: 1 }, refusal) }
}

function walkerOf({ store, vault, clock }: Product): Walker {
  return createWalker({ store, vault, at: clock.at })
}

async function enrol({ product, iterations }: Setting): Promise<{ subject: Subject; codes: string[] }> {
  const { store, vault, clock } = product
  const subject = await product.addSubject()
  const codes = generateBackupCodes({ random: systemRandom, format })
  const { settings, secret } = await hashBackupCodes(codes, { random: systemRandom, format, iterations })
  const enrolment: Enrolment = {
    id: randomId(systemRandom),
    subjectId: subject.id,
    factor: 'backup',
    name: 'Backup codes',
    status: 'active',
    sealed: vault.seal({ subject: subject.id, purpose: 'backup', plaintext: secret }),
    settings: { ...settings },
    createdAt: clock.at,
    confirmedAt: clock.at,
    revokedAt: null,
    lastUsedAt: null,
    expiresAt: null,
  }
  await store.transaction((tx) => tx.enrolments.insert(enrolment))
  return { subject, codes }
}
