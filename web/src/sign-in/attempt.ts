import type { Answer } from '@sallyport/sdk'

/** An attempt under way, as a sign-in or a step-up answers it. */
export type Attempt = Pick<
  Answer<'POST /auth/step-up'>,
  'temp_token' | 'mfa_method' | 'chain' | 'remember_days'
>
export type Chain = Attempt['chain']
export type Method = Chain['expected'][number]

const rememberedKey = 'sallyport.method'

/** The one that was used last in this browser, or else the one the server thinks of first. */
export function firstMethod(expected: readonly Method[], preset: Method): Method {
  const last = localStorage.getItem(rememberedKey)
  return expected.find((method) => method === last) ?? (expected.includes(preset) ? preset : expected[0]!)
}

export function rememberMethod(method: Method): void {
  localStorage.setItem(rememberedKey, method)
}
