import { stripVTControlCharacters } from 'node:util'
import { qrTerminal } from '@sallyport/core'
import { colour } from './output.ts'

/** A QR code to be printed. Without colours light is what is drawn, which is right on a dark terminal. */
export function terminalQr(text: string): string {
  if (colour) return qrTerminal(text)
  const inverted: Record<string, string> = { ' ': '█', '▀': '▄', '▄': '▀', '█': ' ' }
  return stripVTControlCharacters(qrTerminal(text)).replace(/[ ▀▄█]/g, (half) => inverted[half]!)
}
