import { credentialOf, type Enrolment, judgeEnforcement, type Store, type Subject } from '@sallyport/core'
import { serviceRoutes } from '@sallyport/protocol'
import type { Binder } from '../bind.ts'
import { codeLengths } from '../code-lengths.ts'
import { Refusal } from '../refusal.ts'
import type { GateServices } from '../services.ts'
import { isoTime, isoTimeOrNull, type Named, readName } from './naming.ts'

/** Whoever was never heard of falls under the rules for everyone. */
const stranger = { role: 'user', requiredSince: null }

/** What a subject has enrolled. Applications own their users: one never heard of simply has nothing. */
export function registerOverview(bind: Binder, services: GateServices): void {
  const { store, clock, enrolments, enforcement } = services

  bind(serviceRoutes.status, async ({ caller, params }) => {
    const named = readName(caller, params)
    if (named instanceof Refusal) return named
    const { subject, active } = await findEnrolled(store, named)
    const standing = { subject: subject ?? stranger, hasFactor: active.length > 0 }
    return {
      enabled: active.length > 0,
      required: judgeEnforcement(enforcement, { ...standing, now: clock.now() }).required,
      enrolled_at: isoTimeOrNull(first(active.map(({ confirmedAt }) => confirmedAt))),
      last_verified_at: isoTimeOrNull(last(active.map(({ lastUsedAt }) => lastUsedAt))),
      methods: [
        ...new Set(
          active.map(({ factor }) => factor as 'totp' | 'email' | 'backup' | 'yubikey' | 'webauthn'),
        ),
      ].sort(),
      backup_codes_remaining: await codesLeft(active),
      ...codeLengths(active),
    }
  })

  bind(serviceRoutes.methods, async ({ caller, params }) => {
    const named = readName(caller, params)
    if (named instanceof Refusal) return named
    const { active } = await findEnrolled(store, named)
    const authenticators = active.filter(({ factor }) => factor === 'totp')
    return {
      methods: {
        totp: {
          enabled: authenticators.length > 0,
          name: authenticators[0]?.name ?? null,
          enrolled_at: isoTimeOrNull(authenticators[0]?.confirmedAt ?? null),
          last_used: isoTimeOrNull(last(authenticators.map(({ lastUsedAt }) => lastUsedAt))),
        },
        yubikeys: active
          .filter(({ factor }) => factor === 'yubikey')
          .map(({ settings, name, confirmedAt, createdAt, lastUsedAt }) => ({
            public_id: String(settings.public_id),
            device_name: name,
            enrolled_at: isoTime(confirmedAt ?? createdAt),
            last_used: isoTimeOrNull(lastUsedAt),
          })),
        fido2: active.filter(({ factor }) => factor === 'webauthn').map(describeKey),
        backup_codes: { remaining: await codesLeft(active) },
      },
    }
  })

  async function codesLeft(active: readonly Enrolment[]): Promise<number> {
    const codes = active.find(({ factor }) => factor === 'backup')
    return codes ? enrolments.backupCodesLeft(codes.subjectId) : 0
  }
}

function describeKey(enrolment: Enrolment) {
  return {
    credential_id: credentialOf(enrolment).credential_id,
    device_name: enrolment.name,
    enrolled_at: isoTime(enrolment.confirmedAt ?? enrolment.createdAt),
    last_used: isoTimeOrNull(enrolment.lastUsedAt),
  }
}

function findEnrolled(store: Store, named: Named): Promise<{ subject: Subject | null; active: Enrolment[] }> {
  return store.read(async (tx) => {
    const subject = await tx.subjects.findByAlias(named.key.application, named.alias)
    const active = subject ? await tx.enrolments.listBySubject(subject.id, { status: 'active' }) : []
    return { subject, active }
  })
}

function first(times: readonly (number | null)[]): number | null {
  return times.reduce((a, b) => (a !== null && (b === null || a <= b) ? a : b), null)
}

function last(times: readonly (number | null)[]): number | null {
  return times.reduce((a, b) => (a !== null && (b === null || a >= b) ? a : b), null)
}
