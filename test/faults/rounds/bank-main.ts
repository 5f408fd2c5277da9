import { isMainThread } from 'node:worker_threads'
import { Streams } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { KafkaOptions } from 'millrace/kafka'
import { complaining, runApp } from '../kit/run-app.ts'
import { bankApp } from './app.ts'
import type { BankSettings } from './app.ts'

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

const settings: BankProcessSettings = JSON.parse(process.argv[2] ?? '')
// Each of several threads imports this module.
const app = complaining(bankApp(settings))
export default app

if (isMainThread) await run()

async function run(): Promise<void> {
  const log = kafka(settings.kafka)
  const { stateDirectory } = settings
  try {
    const streams = await Streams.start(app, { log, stateDirectory, module: import.meta.url })
    await runApp(streams, ({ state, tasks, processed, lag }): BankStatus => {
      const steps = tasks.flatMap(({ calls }) => calls)
      const calls = steps.reduce((all, { inFlight, waiting }) => all + inFlight + waiting, 0)
      return { state, tasks: tasks.map(({ id }) => id), processed, lag, calls }
    })
  } finally {
    await log.close()
  }
}
