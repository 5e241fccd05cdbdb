import { parseArgs } from 'node:util'
import { type FaultName, faults, runTrial, type TrialResult } from './fault-trial.fixture.ts'

/** `npm run soak:serial -- --trials 300`: as many sessions as asked for, each with a fault of its own. */
const { values } = parseArgs({
  options: { trials: { type: 'string', default: '300' }, first: { type: 'string', default: '1' } },
})
const trials = Number(values.trials)
const results: TrialResult[] = []
const broken: string[] = []

function judge(result: TrialResult, seed: number): void {
  results.push(result)
  const expected = result.fault === 'device gone' ? 'clean' : 'interrupted'
  const late = (result.stoppedAfter ?? 0) > 1_000
  if (!result.isPrefix || result.status !== expected || late) broken.push(`${seed} ${JSON.stringify(result)}`)
}

let next = Number(values.first)
const last = next + trials
async function work(): Promise<void> {
  while (next < last) {
    const seed = next++
    judge(await runTrial(faults[seed % faults.length]!, seed), seed)
  }
}
await Promise.all([work(), work()])

const of = (fault: FaultName) => results.filter((result) => result.fault === fault)
for (const fault of faults) {
  const longest = Math.max(0, ...of(fault).map(({ stoppedAfter }) => stoppedAfter ?? 0))
  console.log(`${fault}: ${of(fault).length} trials, stopped at most ${longest} ms after the last byte`)
}
console.log(`${results.length} trials, ${broken.length} broken`)
for (const line of broken) console.error(line)
process.exitCode = broken.length > 0 ? 1 : 0
