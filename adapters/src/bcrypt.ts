import type { BcryptCheck } from '@sallyport/core'

/** Off the event loop. The compiled library is loaded at the first hash that needs it, which may never come. */
export const checkBcrypt: BcryptCheck = async (password, hash) => {
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}
