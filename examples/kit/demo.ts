import { parseArgs } from 'node:util'
import { chooseEngine, embeddedLog, MillraceError, parseDuration, Streams } from 'millrace'
import type { Application, EngineFactory, Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { serve } from 'millrace/server'
import type { Server } from 'millrace/server'
import { show } from './live-view.ts'
import type { LiveView } from './live-view.ts'
import { buildPage } from './page.ts'
import type { ExamplePage } from './page.ts'

export interface Demo {
  readonly app: Application
  readonly view: LiveView
  /** Input records per second, unless the command line says otherwise. */
  readonly rate: number
  /** What a browser shows of it. */
  readonly page: ExamplePage
  /** Path of a question that the application answers over HTTP. */
  readonly question: string
  /** Creates the topics and writes what must be there beforehand. */
  prepare(log: Log, settings: DemoSettings): Promise<void>
  /** Writes input until the signal aborts. */
  feed(log: Log, settings: DemoSettings): Promise<unknown>
  /** Reads the output topics into the view until the signal aborts. */
  watch(log: Log, signal: AbortSignal): Promise<unknown>
}

export interface DemoSettings {
  readonly rate: number
  readonly seed: number
  readonly signal: AbortSignal
}

const PORT = '8080'

const USAGE = `options:
  --kafka HOST:PORT,…   on Kafka instead of an embedded log
  --data DIR            directory of the state and the embedded log (default .millrace/demo)
  --for TIME            end after 20s, 5m, …
  --rate N              input records per second
  --seed N              other made-up data
  --feed-only           only the input, for an application that runs elsewhere (with --kafka)`

/** Runs an example whole, in one process: made-up input, the application, and a live view of its output. */
export async function runDemo(demo: Demo): Promise<void> {
  try {
    await run(demo)
  } catch (error) {
    if (error instanceof MillraceError) console.error(`${error.code}: ${error.message}\n${error.hint ?? ''}`)
    else if (isUsageError(error)) console.error(`${error.message}\n${USAGE}`)
    else console.error(error)
    process.exitCode = 1
  }
}

/** True for an error of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

async function run(demo: Demo): Promise<void> {
  const options = readOptions(demo)
  if (options === undefined) {
    console.log(USAGE)
    return
  }
  const ending = new AbortController()
  const end = (): void => ending.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  if (options.for !== undefined) setTimeout(end, parseDuration(options.for, '--for')).unref()
  const settings: DemoSettings = { rate: options.rate, seed: options.seed, signal: ending.signal }

  const { factory: engine } = await chooseEngine()
  const log =
    options.kafka === undefined
      ? await embeddedLog({ directory: `${options.data}/log` })
      : kafka({ brokers: options.kafka })
  try {
    await demo.prepare(log, settings)
    if (options.feedOnly) await demo.feed(log, settings)
    else await runAll(demo, log, engine, `${options.data}/state`, settings, end)
  } finally {
    ending.abort()
    await log.close()
  }
}

async function runAll(
  demo: Demo,
  log: Log,
  engine: EngineFactory,
  stateDirectory: string,
  settings: DemoSettings,
  end: () => void,
): Promise<void> {
  const started = performance.now()
  const streams = await Streams.start(demo.app, { log, engine, stateDirectory })
  const server = await serveAnywhere(streams, { [demo.page.name]: await buildPage(demo.page) })
  const url = server.address?.url ?? ''
  console.log(`open ${url}/${demo.page.name} and ${url}/console, or ask: curl ${url}${demo.question}`)
  const parts = [demo.feed(log, settings), demo.watch(log, settings.signal), show(demo.view, settings.signal)]
  // Whichever part ends first, by a failure or not, ends the others: all of them stop at the signal.
  void streams.closed.then(end, end)
  try {
    await Promise.all(parts.map((part) => part.finally(end)))
  } finally {
    await streams.close()
  }
  const { processed, written, commits } = streams.status()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`done: ${processed} records processed and ${written} written in ${seconds} s, ${commits} commits`)
}

/** On its usual port, or on a free one if that is taken. */
async function serveAnywhere(streams: Streams, pages: Record<string, string>): Promise<Server> {
  try {
    return await serve(streams, { listen: PORT, pages })
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_SERVER_LISTEN') throw error
    return serve(streams, { listen: '127.0.0.1:0', pages })
  }
}

interface Options extends Pick<DemoSettings, 'rate' | 'seed'> {
  readonly kafka: string | undefined
  readonly data: string
  readonly for: string | undefined
  readonly feedOnly: boolean
}

function readOptions(demo: Demo): Options | undefined {
  const { values } = parseArgs({
    options: {
      kafka: { type: 'string' },
      data: { type: 'string', default: `.millrace/demo` },
      for: { type: 'string' },
      rate: { type: 'string', default: String(demo.rate) },
      seed: { type: 'string', default: '1' },
      'feed-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const rate = Number(values.rate)
  if (!(rate > 0)) throw new MillraceError('MR_CLI_USAGE', '--rate is not a positive number')
  return {
    kafka: values.kafka,
    data: values.data,
    for: values.for,
    rate,
    seed: Number(values.seed),
    feedOnly: values['feed-only'],
  }
}
