import type { SiemEvent, SiemSeverity, SiemSource } from './event.ts'
import { type Cut, cutDetails } from './one-line.ts'

const schemaVersion = '1.5.0'

interface Class {
  category: number
  uid: number
  activity: number
  /** 1 it came to pass, 2 it was refused. */
  status?: 1 | 2
}

const authentication = (activity: number, status?: 1 | 2): Class => ({
  ...{ category: 3, uid: 3002, activity },
  ...(status && { status }),
})
const account = (activity: number): Class => ({ category: 3, uid: 3001, activity, status: 1 })
const entity = (activity: number): Class => ({ category: 3, uid: 3004, activity, status: 1 })
const other = 99
/** https://schema.ocsf.io/1.5.0/base_event: for what is about the evidence itself. */
const base: Class = { category: 0, uid: 0, activity: other }
/** https://schema.ocsf.io/1.5.0/classes/detection_finding, created. */
const finding: Class = { category: 2, uid: 2004, activity: 1 }

/** https://schema.ocsf.io/1.5.0/classes/authentication, account_change, entity_management */
const classes: Readonly<Record<string, Class>> = {
  'attempt.started': authentication(other),
  'attempt.step_passed': authentication(other, 1),
  'attempt.step_failed': authentication(1, 2),
  'attempt.rejected': authentication(1, 2),
  'attempt.refused': authentication(1, 2),
  'attempt.breached': authentication(1, 2),
  'attempt.completed': authentication(1, 1),
  'password.refused': authentication(1, 2),
  'password.throttled': authentication(1, 2),
  'session.opened': authentication(1, 1),
  'session.granted': authentication(1, 1),
  'session.closed': authentication(2, 1),
  'session.revoked': authentication(2, 1),
  'session.all_revoked': authentication(2, 1),
  'password.set': account(3),
  'subject.created': account(1),
  'subject.erased': account(6),
  'enrolment.locked': account(9),
  'subject.locked': account(9),
  'subject.unlocked': account(12),
  'enrolment.confirmed': account(10),
  'enrolment.revoked': account(11),
  'factors.removed': account(11),
  'factors.reset': account(11),
  'apikey.created': entity(1),
  'apikey.revoked': entity(4),
  'application.created': entity(1),
  'application.changed': entity(3),
  'company.created': entity(1),
  'company.removed': entity(4),
}

function classOf({ type }: SiemEvent): Class {
  const known = classes[type]
  if (known) return known
  // Threat events have a word for a type, entries of the ledger an area as well.
  if (!type.includes('.')) return finding
  return /^(attempt|session|password|ticket|email)\./.test(type) ? authentication(other) : base
}

const severityIds: Readonly<Record<SiemSeverity, number>> = {
  info: 1,
  low: 2,
  medium: 3,
  high: 4,
  critical: 5,
}

/** One event of the Open Cybersecurity Schema Framework. */
export function ocsf({ event, source, cut }: { event: SiemEvent; source: SiemSource; cut: Cut }): object {
  const { id, at, type, severity, address, subject, details } = event
  const { category, uid, activity, status } = classOf(event)
  const { technician } = details
  const user = {
    uid: subject === null ? 'unknown' : cut(subject),
    ...(typeof technician === 'string' && { name: cut(technician) }),
  }
  const product = { name: 'Sallyport', vendor_name: 'Sallyport', version: source.version }
  return {
    ...{ category_uid: category, class_uid: uid, activity_id: activity, type_uid: uid * 100 + activity },
    ...(activity === other && { activity_name: cut(type) }),
    ...(status && { status_id: status }),
    ...{ time: at, severity_id: severityIds[severity], message: cut(type) },
    metadata: { version: schemaVersion, uid: cut(id), event_code: cut(type), product },
    device: { hostname: cut(source.host), type_id: 1 },
    ...(address && { src_endpoint: { ip: cut(address) } }),
    ...(uid === 3002 && { user, service: { name: gateOf(details) } }),
    ...(uid === 3001 && { user }),
    ...(uid === 3004 && { entity: { name: cut(type), type: type.split('.')[0] } }),
    ...(uid === 2004 && { finding_info: { uid: cut(id), title: cut(type) } }),
    unmapped: cutDetails(details, cut),
  }
}

function gateOf({ gate }: SiemEvent['details']): string {
  return typeof gate === 'string' ? gate : 'sallyport'
}
