/** Every sentence that the gate says to a person at its line. */
export const phrases = {
  prompt: '> ',
  failed: 'Authentication failed.',
  expired: 'Too slow: two minutes without success. Press Enter to begin again.',
  noDevice: 'The device is not connected. Nothing was opened, and no code was used up.',
  unavailable: 'The gate cannot check codes at this moment. Nothing was opened; its log says why.',
  opened: (session: string) => `Authenticated. Session ${session} is being recorded.`,
  openedByBreakGlass: (session: string) => `Break-glass. Session ${session} is being recorded and reported.`,
  refusedLine: (why: 'too_long' | 'control') =>
    why === 'too_long'
      ? 'Refused: a line has at most 256 bytes.'
      : 'Refused: the line holds control characters.',
  next: (step: string) => `${step}?`,
  technicianLocked: (technician: string) =>
    `${technician} is LOCKED after too many failures, until an administrator runs: sallyport shim unlock`,
  portLocked:
    'This port is LOCKED after too many failures, until an administrator runs: sallyport shim unlock',
  breakGlassHint: 'In an emergency: break-glass <code>',
  clockUntrusted: (reason: string) =>
    `Codes are refused: ${reason}. An administrator sets the clock right, or runs: sallyport shim clock accept`,
  ended: (reason: string) => `Session ended: ${reason}.`,
  stopped: (reason: string) =>
    `EMERGENCY STOP: ${reason}. The line is cut, until an administrator runs: sallyport shim reset`,
} as const
