export interface ShimOptions {
  config: string
  json?: boolean
}

export interface EnrolOptions extends ShimOptions {
  technician: string
  name?: string
  backupCodes?: boolean
  yubikey?: string
}

export interface BundleRequestOptions extends ShimOptions {
  out: string
}

export interface BreakGlassOptions extends ShimOptions {
  port?: string
  explain?: string
  reason?: string
}
