import { isMainThread } from 'node:worker_threads'
import { Streams } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { KafkaOptions } from 'millrace/kafka'
import { serve } from 'millrace/server'
import { complaining, runApp } from '../kit/run-app.ts'
import { askedApp, PEER_TOKEN } from './app.ts'
import type { AskedSettings } from './app.ts'

/** The settings of a process of a round, given on its command line as JSON. */
export interface AskedProcessSettings extends AskedSettings {
  readonly kafka: KafkaOptions
  readonly stateDirectory: string
  /** `HOST:PORT` where its peers reach it. */
  readonly advertise: string
}

/** The status of the process, printed as a line of JSON each time. */
export interface AskedStatus {
  readonly state: string
  readonly tasks: readonly string[]
  readonly lag: number
  /** The port that it serves. */
  readonly port: number
}

const settings: AskedProcessSettings = JSON.parse(process.argv[2] ?? '')
// Each of several threads imports this module.
const app = complaining(askedApp(settings))
export default app

if (isMainThread) await run()

async function run(): Promise<void> {
  const { stateDirectory, advertise } = settings
  const log = kafka(settings.kafka)
  try {
    const peerToken = { env: PEER_TOKEN }
    const streams = await Streams.start(app, { log, stateDirectory, advertise, peerToken, module: import.meta.url })
    const { address } = await serve(streams, { listen: 0 })
    await runApp(streams, ({ state, tasks, lag }): AskedStatus => {
      return { state, tasks: tasks.map(({ id }) => id), lag, port: address?.port ?? 0 }
    })
  } finally {
    await log.close()
  }
}
