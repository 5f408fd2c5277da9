/**
 * One workload on Millrace, as one process. The environment says what to do: BOOTSTRAP, WORKLOAD, GUARANTEE (`alos` or
 * `eos`), STATE_DIR, RUN_ID (application id and group), INPUT, OUTPUT, TABLE (w4), RECORDS (0: until SIGTERM), and
 * optionally COMMIT_INTERVAL (ms), CACHE_BYTES, MEMORY, INSTANCE_ID and GROUP_PROTOCOL. It says on stdout how far it
 * is: FIRST, P (at the close, too), LAST, CLOSED, STATE, RESTORE_START, RESTORE_END; with EVENT_LOOP_DELAY (ms from the
 * first record that do not count) the delay of its event loop before CLOSED, with SELF_REPORT (ms) what it is doing and
 * using, each so often.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Streams } from '../src/index.ts'
import { kafka } from '../src/kafka/index.ts'
import { benchApp } from './side-by-side/rig/app.ts'
import { EventLoopDelay } from './side-by-side/rig/event-loop-delay.ts'
import { selfReport } from './side-by-side/rig/self-report.ts'

const { env } = process
const total = Number(env['RECORDS'] ?? 0)
const step = Math.max(1, Math.floor((total === 0 ? 1_000_000 : total) / 100))
const done = Promise.withResolvers<void>()
const quiet = numberOf(env['EVENT_LOOP_DELAY'])
const delay = quiet === undefined ? undefined : new EventLoopDelay(quiet)
let seen = 0

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function begin(): void {
  say(`FIRST ${Date.now()}`)
  delay?.start()
}

function tick(): void {
  seen++
  if (seen === 1) begin()
  if (seen % step === 0) say(`P ${seen}`)
  if (seen !== total) return
  say(`LAST ${Date.now()}`)
  done.resolve()
}

process.on('SIGTERM', done.resolve)
process.on('SIGINT', done.resolve)

const { INSTANCE_ID: instanceId, GROUP_PROTOCOL: protocol } = env
const groupProtocol = protocol === 'streams' || protocol === 'classic' ? protocol : 'auto'
const log = kafka({ brokers: env['BOOTSTRAP'] ?? '', groupProtocol })
const streams = await Streams.start(
  benchApp({
    id: env['RUN_ID'] ?? 'bench',
    workload: env['WORKLOAD'] ?? 'w1',
    exactlyOnce: env['GUARANTEE'] === 'eos',
    commitInterval: numberOf(env['COMMIT_INTERVAL']),
    cacheBytes: numberOf(env['CACHE_BYTES']),
    memory: env['MEMORY'],
    input: env['INPUT'] ?? '',
    output: env['OUTPUT'] ?? '',
    table: env['TABLE'] ?? '',
    tick,
  }),
  {
    log,
    stateDirectory: env['STATE_DIR'] ?? '',
    ...(instanceId === undefined ? {} : { instanceId }),
    onState: (state) => say(`STATE ${Date.now()} ${state.toUpperCase()}`),
    onRestore: (event, { partition, from, end, records }) => {
      if (event === 'start') say(`RESTORE_START ${Date.now()} ${partition} ${end - from}`)
      if (event === 'end') say(`RESTORE_END ${Date.now()} ${partition} ${records}`)
    },
  },
)
const every = numberOf(env['SELF_REPORT'])
const reporting = every === undefined ? undefined : setInterval(() => say(selfReport(streams, seen)), every)
await Promise.race([done.promise, streams.closed])
clearInterval(reporting)
await processed()
const delayed = delay?.end()
await streams.close()
say(`P ${seen}`)
if (delayed !== undefined) say(delayed)
say(`CLOSED ${Date.now()}`)
await log.close()

/** What has been read may wait to be processed: w5 tells of records when they are read behind its repartition topic. */
async function processed(): Promise<void> {
  const records = env['WORKLOAD'] === 'w5' ? 2 * total : total
  while (streams.state === 'running' && streams.status().processed < records) await sleep(1)
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}
