import type { Pattern } from './pattern.ts'
import { commandPatterns } from './patterns/command.ts'
import { scannerPatterns } from './patterns/scanner.ts'
import { sqliPatterns } from './patterns/sqli.ts'
import { traversalPatterns } from './patterns/traversal.ts'
import { xssPatterns } from './patterns/xss.ts'

/** Every sign of an attack that is looked for. */
export const patterns: readonly Pattern[] = [
  ...scannerPatterns,
  ...sqliPatterns,
  ...xssPatterns,
  ...traversalPatterns,
  ...commandPatterns,
]
