import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedLog, Streams } from 'millrace'
import { serve } from 'millrace/server'
import { systemClock } from '../../src/platform/clock.ts'
import { cpuClock as cpuTime } from './cpu-clock.ts'
import type { Looked } from './onlooker.ts'
import { WORKLOADS, type WorkloadName } from './workloads.ts'

/** What one process is given, as JSON. */
export interface Run {
  /** Has the log in `log`. */
  readonly directory: string
  readonly workload: WorkloadName
  readonly records: number
  readonly isWatched: boolean
  readonly cpuClock: boolean
}

/** What it reports, as JSON. */
export interface RunResult {
  /** CPU a record, µs. */
  readonly micros: number
  readonly seconds: number
  readonly overviews: number
  readonly scrapes: number
}

/** The part of the records that is processed before the clock starts. */
const WARM_UP = 0.15

const { directory, workload, records, isWatched, cpuClock }: Run = JSON.parse(process.argv[2] ?? '')
const { app, steps } = WORKLOADS[workload]
const log = await embeddedLog({ directory: join(directory, 'log') })
const streams = await Streams.start(app, {
  log,
  stateDirectory: join(directory, 'state'),
  clock: cpuClock ? cpuTime : systemClock,
})
const server = await serve(streams, { listen: '127.0.0.1:0', auth: 'none' })
const onlooker = isWatched ? fork(join(import.meta.dirname, 'onlooker.ts'), [server.address!.url]) : undefined
if (onlooker !== undefined) await once(onlooker, 'message')

async function processed(count: number): Promise<void> {
  while (streams.status().processed < count) {
    if (streams.state === 'error') await streams.closed
    await sleep(20)
  }
}

await processed(WARM_UP * steps * records)
const before = streams.status().processed
const began = performance.now()
const cpu = process.cpuUsage()
await processed(steps * records)
const { user, system } = process.cpuUsage(cpu)
const seconds = (performance.now() - began) / 1000
const counted = (streams.status().processed - before) / steps

let looked: Looked = { overviews: 0, scrapes: 0 }
if (onlooker !== undefined) {
  onlooker.send('stop')
  ;[looked] = (await once(onlooker, 'message')) as [Looked]
}
await server.close()
await streams.close()
await log.close()
console.log(JSON.stringify({ micros: (user + system) / counted, seconds, ...looked } satisfies RunResult))
