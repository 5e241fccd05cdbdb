/** Codes that are mailed have as many, and those of nearly every app. */
export const sixDigits: readonly number[] = [6]

/** Of an app that is being connected, as its own address says. */
export function digitsIn(provisioningUri: string): readonly number[] {
  return [Number(new URL(provisioningUri).searchParams.get('digits') ?? 6)]
}

export const isSix = (lengths: readonly number[]) => lengths.every((length) => length === 6)
