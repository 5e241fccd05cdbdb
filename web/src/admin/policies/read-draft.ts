/** Somewhere to begin: two doors for administrators, one for everybody else. */
export const firstDraft = `{
  "policies": [
    {
      "name": "two doors for administrators",
      "when": { "roles": ["admin"] },
      "action": "chain",
      "too_few": "enrol",
      "chain": {
        "mode": "fixed",
        "required_steps": 2,
        "factors": [
          { "id": "app", "label": "Authenticator", "type": "totp" },
          { "id": "other", "label": "Second proof", "any_of": ["email", "backup"] }
        ]
      }
    },
    {
      "name": "one door for everybody",
      "action": "chain",
      "too_few": "enrol",
      "chain": {
        "mode": "fixed",
        "required_steps": 1,
        "factors": [
          { "id": "any", "label": "Second factor", "any_of": ["totp", "email", "backup", "yubikey", "webauthn"] }
        ]
      }
    }
  ]
}
`

/** What was typed is no JSON. */
export class NotJson extends Error {}

export function readDraft(text: string): Record<string, unknown> {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch (error) {
    throw new NotJson((error as Error).message)
  }
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return { ...read }
  throw new NotJson(text.trim().slice(0, 40))
}
