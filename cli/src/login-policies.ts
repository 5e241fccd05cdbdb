import {
  defaultLoginPolicies,
  type Enforcement,
  type GatePolicies,
  parseGatePolicies,
  SallyportError,
} from '@sallyport/core'
import type { Config } from './config.ts'
import { readYaml } from './read-yaml.ts'

export function enforcementOf({ security }: Config): Enforcement {
  const { enabled, required, grace, roles } = security.mfa
  return enabled ? { required, grace, roles } : { required: false, grace, roles: {} }
}

export function policySourceOf({ security, login_policies: file }: Config): 'off' | 'default' | 'file' {
  if (!security.mfa.enabled) return 'off'
  return file === undefined ? 'default' : 'file'
}

/** With MFA switched off the password is the whole sign-in; else the configured policies, or the default. */
export function loginPolicies({ security, login_policies: file }: Config): GatePolicies {
  if (!security.mfa.enabled) return parseGatePolicies({ policies: [{ name: 'MFA is off', action: 'allow' }] })
  if (file === undefined) return defaultLoginPolicies
  try {
    return parseGatePolicies(readYaml(file))
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    throw new SallyportError('config_invalid', `login_policies: ${file} cannot be used:\n${error.message}`, {
      faults: error.faults,
    })
  }
}
