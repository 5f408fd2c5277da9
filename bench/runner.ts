/**
 * One workload on Millrace, as one process. The environment says what to do: BOOTSTRAP, WORKLOAD, GUARANTEE (`alos` or `eos`),
 * STATE_DIR, RUN_ID (application id and group), INPUT, OUTPUT, TABLE (w4), RECORDS (0: until SIGTERM), and optionally
 * COMMIT_INTERVAL (ms) and CACHE_BYTES. It says on stdout how far it is: FIRST, P, LAST, CLOSED, STATE, RESTORE_START, RESTORE_END.
 */
import { Streams } from '../src/index.ts'
import { kafka } from '../src/kafka/index.ts'
import { benchApp } from './side-by-side/app.ts'

const { env } = process
const total = Number(env['RECORDS'] ?? 0)
const step = Math.max(1, Math.floor((total === 0 ? 1_000_000 : total) / 100))
const done = Promise.withResolvers<void>()
let seen = 0

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function tick(): void {
  seen++
  if (seen === 1) say(`FIRST ${Date.now()}`)
  if (seen % step === 0) say(`P ${seen}`)
  if (seen !== total) return
  say(`LAST ${Date.now()}`)
  done.resolve()
}

process.on('SIGTERM', done.resolve)
process.on('SIGINT', done.resolve)

const log = kafka({ brokers: env['BOOTSTRAP'] ?? '' })
const streams = await Streams.start(
  benchApp({
    id: env['RUN_ID'] ?? 'bench',
    workload: env['WORKLOAD'] ?? 'w1',
    exactlyOnce: env['GUARANTEE'] === 'eos',
    commitInterval: numberOf(env['COMMIT_INTERVAL']),
    cacheBytes: numberOf(env['CACHE_BYTES']),
    input: env['INPUT'] ?? '',
    output: env['OUTPUT'] ?? '',
    table: env['TABLE'] ?? '',
    tick,
  }),
  {
    log,
    stateDirectory: env['STATE_DIR'] ?? '',
    onState: (state) => say(`STATE ${Date.now()} ${state.toUpperCase()}`),
    onRestore: (event, { partition, from, end, records }) => {
      if (event === 'start') say(`RESTORE_START ${Date.now()} ${partition} ${end - from}`)
      if (event === 'end') say(`RESTORE_END ${Date.now()} ${partition} ${records}`)
    },
  },
)
await Promise.race([done.promise, streams.closed])
await streams.close()
say(`CLOSED ${Date.now()}`)
await log.close()

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text)
}
