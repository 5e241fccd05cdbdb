export { makeSecurityKey } from '../../test/support/security-key.ts'
