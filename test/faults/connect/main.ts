import { kafka } from 'millrace/kafka'
import { embeddedLog, type Log } from 'millrace'
import { runConnectors } from 'millrace/connect'
import { UNCOMMITTED } from '../kit/exit-codes.ts'
import { numberConnectors, type System } from './connectors.ts'

export interface ConnectSettings extends System {
  /** Brokers; an embedded log in `directory`, if there are none. */
  readonly brokers: string | undefined
  readonly instanceId: string
}

export interface ConnectProcessStatus {
  readonly states: readonly string[]
  readonly tasks: number
}

/** ms between two lines of status. */
const STATUS_EVERY = 100
const settings: ConnectSettings = JSON.parse(process.argv[2] ?? '{}')

function complain(fields: object, message: string): void {
  const error = 'err' in fields && fields.err instanceof Error ? (fields.err.stack ?? fields.err.message) : ''
  console.error(new Date().toISOString(), message, JSON.stringify({ ...fields, err: undefined }), error)
}

async function openLog(): Promise<Log> {
  if (settings.brokers === undefined) return embeddedLog({ directory: `${settings.directory}/log` })
  return kafka({ brokers: settings.brokers.split(','), transactionTimeout: '5s' })
}

const log = await openLog()
const logger = { debug: () => {}, info: complain, warn: complain, error: complain }
const running = await runConnectors(numberConnectors(settings, logger), { log, instanceId: settings.instanceId })
let isStopping = false
process.once('SIGTERM', () => {
  isStopping = true
  running.close().catch(() => undefined)
})
const ticker = setInterval(() => {
  const all = running.status()
  const status: ConnectProcessStatus = {
    states: all.map(({ state }) => state),
    tasks: all.reduce((sum, { tasks }) => sum + tasks.length, 0),
  }
  console.log(JSON.stringify(status))
}, STATUS_EVERY)
try {
  await running.closed
} catch (error) {
  if (!isStopping) throw error
  complain({ err: error }, 'the close failed')
  process.exitCode = UNCOMMITTED
} finally {
  clearInterval(ticker)
  await log.close()
}
