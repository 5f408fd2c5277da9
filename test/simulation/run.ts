import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { simulate } from './simulation.ts'

/** Applications that were killed in a simulation never end: what they hold, about 1 MB a seed, is given back with the process. */
const SEEDS_A_PROCESS = 1000

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
  },
})

const seeds = Number(values.seeds)
if (values.seed !== undefined) await replay(Number(values.seed))
else if (seeds > SEEDS_A_PROCESS) runInProcesses(Number(values.from), seeds)
else await runAll(Number(values.from), seeds)
// An application that runs keeps its process alive, and those that were killed in a simulation never ended.
process.exit()

function runInProcesses(from: number, count: number): void {
  const failed: number[] = []
  for (let first = from; first < from + count; first += SEEDS_A_PROCESS) {
    const here = Math.min(SEEDS_A_PROCESS, from + count - first)
    const script = [...process.execArgv, import.meta.filename, '--from', String(first), '--seeds', String(here)]
    console.log(`seeds ${first} to ${first + here - 1}`)
    if (spawnSync(process.execPath, script, { stdio: 'inherit' }).status !== 0) failed.push(first)
  }
  console.log(failed.length === 0 ? `${count} seeds, no failures` : `failures behind seeds ${failed.join(' ')}`)
  if (failed.length > 0) process.exitCode = 1
}

async function replay(seed: number): Promise<void> {
  const { trace, problems, shape, steps } = await simulate(seed)
  for (const line of trace) console.log(line)
  console.log(JSON.stringify(shape))
  console.log(`seed ${seed}: ${steps} steps, ${problems.length} problems`)
  for (const problem of problems) console.log(problem)
  if (problems.length > 0) process.exitCode = 1
}

async function runAll(from: number, count: number): Promise<void> {
  const faults = new Map<string, number>()
  const failed: number[] = []
  const started = performance.now()
  let steps = 0
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulate(seed)
    steps += result.steps
    for (const [kind, times] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
    if (result.problems.length > 0) {
      failed.push(seed)
      console.log(`seed ${seed} fails: ${result.problems[0]}`)
    }
  }
  const seconds = (performance.now() - started) / 1000
  console.log(`${count} seeds, ${steps} steps in ${seconds.toFixed(1)} s`)
  for (const [kind, times] of [...faults].sort()) console.log(`${String(times).padStart(8)} ${kind}`)
  console.log(failed.length === 0 ? 'no failures' : `${failed.length} failures: ${failed.join(' ')}`)
  if (failed.length > 0) process.exitCode = 1
}
