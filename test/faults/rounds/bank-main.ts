import { isMainThread } from 'node:worker_threads'
import { MillraceError, Streams } from 'millrace'
import type { Application } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { KafkaOptions } from 'millrace/kafka'
import { bankApp } from './app.ts'
import type { BankSettings } from './app.ts'
import { UNCOMMITTED } from './exit-codes.ts'

/** The settings of a process of a round, given on its command line as JSON. */
export interface BankProcessSettings extends BankSettings {
  readonly kafka: KafkaOptions
  readonly stateDirectory: string
}

/** The status of the process, printed as a line of JSON each time. */
export interface BankStatus {
  readonly state: string
  readonly tasks: readonly string[]
  readonly processed: number
  readonly lag: number
  /** Records that wait for a service, or for those before them. */
  readonly calls: number
}

const STATUS_EVERY = 200

const settings: BankProcessSettings = JSON.parse(process.argv[2] ?? '')
const app = bankApp(settings)
const complain = (fields: object, message: string): void => {
  const error = 'err' in fields && fields.err instanceof Error ? (fields.err.stack ?? fields.err.message) : ''
  console.error(new Date().toISOString(), message, JSON.stringify({ ...fields, err: undefined }), error)
}
const logger = { debug: () => {}, info: complain, warn: complain, error: complain }
// Each of several threads imports this module.
const loggingApp: Application = {
  id: app.id,
  settings: { ...app.settings, logger },
  topology: () => app.topology(),
}
export default loggingApp

if (isMainThread) await run()

async function run(): Promise<void> {
  const log = kafka(settings.kafka)
  const streams = await Streams.start(loggingApp, {
    log,
    stateDirectory: settings.stateDirectory,
    module: import.meta.url,
  })
  let isStopping = false
  process.once('SIGTERM', () => {
    isStopping = true
    streams.close().catch(() => undefined)
  })
  const ticker = setInterval(() => {
    const { state, tasks, processed, lag } = streams.status()
    const steps = tasks.flatMap(({ calls }) => calls)
    const calls = steps.reduce((all, { inFlight, waiting }) => all + inFlight + waiting, 0)
    const status: BankStatus = { state, tasks: tasks.map(({ id }) => id), processed, lag, calls }
    console.log(JSON.stringify(status))
  }, STATUS_EVERY)
  try {
    await streams.closed
  } catch (error) {
    if (!isStopping || !(error instanceof MillraceError) || error.code !== 'MR_COMMIT') throw error
    process.exitCode = UNCOMMITTED
  } finally {
    clearInterval(ticker)
    await log.close()
  }
}
