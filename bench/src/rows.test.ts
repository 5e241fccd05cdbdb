import { expect, it } from 'vitest'
import { runRow } from './harness.ts'
import { backupRow } from './rows/backup.ts'
import { rows } from './rows.ts'

// As it is but for the work in its slow hashes.
const quick = rows.map((row) => (row.name === 'backup' ? backupRow({ iterations: 1_000 }) : row))

it.each(quick)(
  '$name: everybody does the work, and every claim has a figure',
  { timeout: 120_000 },
  async (row) => {
    const { contenders, claims } = await runRow(row, { rounds: 1, ms: 5 })
    const figures = [
      ...contenders.flatMap((one) => Object.values(one.figures)),
      ...claims.map(({ value }) => value),
    ]
    expect(claims.length).toBeGreaterThan(0)
    for (const { median } of figures) expect(median > 0 && Number.isFinite(median)).toBe(true)
  },
)
