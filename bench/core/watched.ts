/**
 * What it costs an application that its metrics are scraped each second while somebody looks at its console: CPU a
 * record with and without, in turn, each run a process of its own with a copy of the same embedded log. The server is
 * there in both. Another process looks, so that what that takes does not count. The first records are processed before
 * the clock starts: neither the start of the application and its server counts, nor what the compiler does then.
 *
 *     npm run bench:watched -- [--workload w2|payments] [--records N] [--pairs N] [--cpu-clock] [--profile DIRECTORY]
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { embeddedLog } from 'millrace'
import { median } from '../side-by-side/rig/median.ts'
import type { Run, RunResult } from './watched-run.ts'
import { fill, WORKLOADS, type WorkloadName } from './workloads.ts'

const { values } = parseArgs({
  options: {
    workload: { type: 'string', default: 'w2' },
    records: { type: 'string', default: '16000000' },
    pairs: { type: 'string', default: '7' },
    'cpu-clock': { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
})
const MAIN = join(import.meta.dirname, 'watched-run.ts')
const records = Number(values.records)
const workload = values.workload as WorkloadName
const directory = await mkdtemp(join(tmpdir(), 'millrace-watched-'))

async function runOnce(isWatched: boolean): Promise<RunResult> {
  const copy = join(directory, 'run')
  // A log that was just closed may still be rid of a file.
  const filter = (path: string): boolean => !path.endsWith('.next')
  await cp(join(directory, 'input'), join(copy, 'log'), { recursive: true, filter })
  const run: Run = { directory: copy, workload, records, isWatched, cpuClock: values['cpu-clock'] }
  const profile =
    values.profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${values.profile}/${isWatched ? 'watched' : 'alone'}`]
  try {
    const args = ['--conditions=millrace-source', ...profile, MAIN, JSON.stringify(run)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: 'utf8' })
    return JSON.parse(stdout) as RunResult
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

function line(name: string, { micros, seconds, overviews, scrapes }: RunResult): string {
  const looks = overviews === 0 ? '' : `, ${overviews} overviews and ${scrapes} scrapes`
  return `${name.padEnd(8)} ${micros.toFixed(3)} µs CPU a record, ${seconds.toFixed(0)} s${looks}`
}

try {
  const log = await embeddedLog({ directory: join(directory, 'input') })
  await fill(log, WORKLOADS[workload], records)
  await log.close()
  const ratios: number[] = []
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    const order = pair % 2 === 0 ? [false, true] : [true, false]
    const micros = new Map<boolean, number>()
    for (const isWatched of order) {
      const result = await runOnce(isWatched)
      micros.set(isWatched, result.micros)
      console.log(line(isWatched ? 'watched' : 'alone', result))
    }
    ratios.push((micros.get(true) ?? NaN) / (micros.get(false) ?? NaN))
    console.log(`pair ${pair + 1}: ${ratios.at(-1)!.toFixed(3)}`)
  }
  console.log(`watched by alone, median of ${ratios.length} pairs: ${median(ratios).toFixed(3)}`)
} finally {
  await rm(directory, { recursive: true, force: true })
}
