/** The package brings no types; this is what is called of it. */
declare module 'speakeasy' {
  interface VerifyOptions {
    secret: string
    encoding: 'hex'
    token: string
    algorithm: string
    digits: number
    step: number
    window: number
    time: number
  }
  const speakeasy: { totp: { verify(options: VerifyOptions): boolean } }
  // biome-ignore lint/style/noDefaultExport: that is how a CommonJS package looks from here
  export default speakeasy
}
