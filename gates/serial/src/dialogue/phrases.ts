const unlocking = 'It stays so until an administrator runs: sallyport shim unlock'
const breakGlassHint = 'In an emergency: break-glass <code>'
const mendingClock = {
  accept: 'An administrator sets the clock right, or runs: sallyport shim clock accept',
  synchronise: 'An administrator gets the clock synchronised: timedatectl says how it stands',
}

/** Every sentence that the gate says to a person at its line. */
export const phrases = {
  prompt: '> ',
  failed: 'Authentication failed.',
  expired: 'Too slow: two minutes without success. Press Enter to begin again.',
  noDevice: 'The device is not connected. Nothing was opened, and no code was used up.',
  unavailable: 'The gate cannot check codes at this moment. Nothing was opened; its log says why.',
  opened: (session: string) => `Authenticated. Session ${session} is being recorded.`,
  openedByBreakGlass: (session: string) => `Break-glass. Session ${session} is being recorded and reported.`,
  notOpened: 'Nothing was opened: the port was locked meanwhile. The code is used up.',
  refusedLine: (why: 'too_long' | 'control') =>
    why === 'too_long'
      ? 'Refused: a line has at most 256 bytes.'
      : 'Refused: the line holds control characters.',
  next: (step: string) => `${step}?`,
  unread: 'Which factor comes first is drawn: the code was not looked at.',
  technicianLocked: (technician: string) => `${technician} is LOCKED after too many failures.\n${unlocking}`,
  portLocked: `This port is LOCKED after too many failures.\n${unlocking}`,
  breakGlassHint,
  clockUntrusted: (reason: string, mend: 'accept' | 'synchronise') =>
    `Codes are refused: ${reason}.\n${breakGlassHint}\n${mendingClock[mend]}`,
  ended: (reason: string) => `Session ended: ${reason}.`,
  stopped: (reason: string) =>
    `EMERGENCY STOP: ${reason}.\nThe line is cut, until an administrator runs: sallyport shim reset`,
} as const

/** One line short of the usual terminal's 80 columns: a serial line breaks nothing between words by itself. */
const columns = 79

/** What is said, as lines for a terminal, the last of them ended. */
export function onLines(said: string): string {
  return said.split('\n').map(wrap).join('')
}

function wrap(sentence: string): string {
  let column = 0
  const words = sentence.split(' ').map((word, index) => {
    const fits = column + 1 + word.length <= columns
    column = fits && index > 0 ? column + 1 + word.length : word.length
    return index === 0 ? word : `${fits ? ' ' : '\r\n'}${word}`
  })
  return `${words.join('')}\r\n`
}
