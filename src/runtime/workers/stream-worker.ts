import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { Route } from '../../group/group.ts'
import type { Log, OpenDescribed } from '../../log/log.ts'
import { NO_VITALS, type ThreadVitals } from '../../health/vitals.ts'
import { systemClock } from '../../platform/clock.ts'
import { eventLoopScheduler } from '../../platform/scheduler.ts'
import { chooseEngine } from '../../engine/choice/choose-engine.ts'
import {
  silentLogger,
  type Application,
  type Logger,
  type UncaughtErrorDecision,
} from '../../application/application.ts'
import { describe } from '../../topology/describe/describe-text.ts'
import type { Topology } from '../../topology/topology.ts'
import { importApp, type AppModule } from '../../application/app-module.ts'
import { LOOKED_AT } from '../counters/thread-counters.ts'
import { HeapSamples } from '../counters/heap-samples.ts'
import { GLOBAL_STATE, GlobalTables } from '../thread/global-tables.ts'
import { openThread, statusOf, vitalsOf } from '../thread/open-thread.ts'
import type { Sample } from '../../metrics/samples.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import { stateHome } from '../state-directory/state-home.ts'
import { OpenScans, type OwnedStore } from '../../query/open-scans.ts'
import type { RowRequest } from '../../query/row-request.ts'
import { answerQuery } from './rows-in-thread.ts'
import { runSteps } from '../../platform/steps.ts'
import type { StreamThread } from '../thread/stream-thread.ts'
import { globalSamples, samplesOf } from '../thread/thread-samples.ts'
import { addStatus, NO_STATUS, type ThreadStatus } from '../thread/thread-handle.ts'
import type { LogLevel } from '../../application/log-line.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { ValueSender } from './sent-error.ts'
import { SharedHolds } from './shared-holds.ts'

/** ms between two reports of the thread's status, where it has changed. */
const REPORT_INTERVAL = 100
/** ms between two signs of life. */
const LIFE_INTERVAL = 1000

/** Imports the application in a worker, runs one stream thread of it, and reports to the main thread. */
class StreamWorker {
  readonly #port: MessagePort
  readonly #start: WorkerStart
  readonly #holds: SharedHolds
  readonly #values = new ValueSender()
  readonly #heap: HeapSamples
  readonly #run = Promise.withResolvers<void>()
  #decide: (decision: UncaughtErrorDecision) => void = () => {}
  #thread: StreamThread | undefined
  readonly #scans = new OpenScans({ clock: systemClock, find: (request) => this.#find(request) })
  #globals: GlobalTables | undefined
  #log: Log | undefined
  #reported = ''
  /** Signs of life given to the main thread. */
  #lifeSigns = 0

  constructor(port: MessagePort, start: WorkerStart) {
    this.#port = port
    this.#start = start
    this.#heap = new HeapSamples(String(start.index + 1), LOOKED_AT)
    this.#holds = new SharedHolds(start.holds, start.owner, (task) => this.#post({ type: 'released', task }))
    process.on('uncaughtExceptionMonitor', (error) => this.#post({ type: 'crashed', error: this.#values.send(error) }))
    port.on('message', (message: ToWorker) => this.#onMessage(message))
  }

  async main(): Promise<void> {
    let failure: unknown
    try {
      const { thread, globals, log } = await this.#open()
      this.#post({ type: 'opened' })
      await this.#run.promise
      const reports = setInterval(() => this.#report(), REPORT_INTERVAL)
      const lifeSigns = setInterval(() => this.#reportLife(), LIFE_INTERVAL)
      try {
        await thread.run()
      } finally {
        clearInterval(reports)
        clearInterval(lifeSigns)
        await runSteps(globals.close())
        await log.close()
      }
    } catch (error) {
      failure = error
    }
    // What the application printed passes through the main thread, and would be lost when this one is terminated.
    await Promise.all([process.stdout, process.stderr].map(flushed))
    const error = failure === undefined ? undefined : this.#values.send(failure)
    this.#post({ type: 'ended', status: this.#status(), samples: this.#samples(), error })
  }

  async #open(): Promise<{ thread: StreamThread; globals: GlobalTables; log: Log }> {
    const { module, changes, engine, directory, fileMode, processId, instanceId, endpoint, index } = this.#start
    const { app: exported, exports } = await importApp(new URL(module))
    const app = changes === undefined ? exported : (exported.changed?.(changes) ?? exported)
    const started = this.#asStarted(app)
    const topology = started.topology()
    this.#requireSame(app, topology)
    const log = await this.#openLog(exports)
    this.#log = log
    const { factory } = await chooseEngine(engine)
    const home = stateHome(factory, directory, started.settings.logger, fileMode, this.#holds)
    const name = index === 0 ? GLOBAL_STATE : `${GLOBAL_STATE}-${index + 1}`
    const globals = await runSteps(GlobalTables.open(started, topology, log, home, systemClock, name))
    this.#globals = globals
    await runSteps(globals.bootstrap())
    const parts = {
      app: started,
      topology,
      log,
      home,
      globals,
      processId,
      instanceId,
      endpoint,
      clock: systemClock,
      scheduler: eventLoopScheduler,
      onRestore: this.#restoreListener(),
      onState: (state: StreamThread['state']) =>
        this.#post({ type: 'state', state, status: this.#status(), vitals: this.#vitals() }),
      onRoutes: (routes: readonly Route[]) => this.#post({ type: 'routes', routes }),
      onShutdownRequest: () => this.#post({ type: 'shutdownRequested' }),
      onFailure: (error: unknown) => this.#askWhatThen(error),
    }
    const thread = await openThread(parts, index)
    this.#thread = thread
    return { thread, globals, log }
  }

  #asStarted(app: Application): Application {
    const { tracing } = app.settings
    const settings = { ...app.settings, ...this.#start.settings, logger: this.#logger(), tracing }
    return { id: app.id, settings, topology: () => app.topology() }
  }

  #requireSame({ id }: Application, topology: Topology): void {
    const { module, applicationId } = this.#start
    if (id === applicationId && describe(topology) === this.#start.topology) return
    throw new MillraceError(
      'MR_THREAD_MODULE',
      id === applicationId
        ? `${module} makes another topology of "${id}" in a stream thread than the one that was started`
        : `${module} exports the application "${id}", not "${applicationId}", which was started`,
      { hint: 'Every thread imports the module: its default export has to be the same application each time.' },
    )
  }

  async #openLog(exports: AppModule['exports']): Promise<Log> {
    const { log, module } = this.#start
    if (log === undefined) {
      if (isKafkaLog(exports['log'])) return exports['log']
      throw new MillraceError('MR_THREAD_LOG', 'the options of kafka() hold functions, which no other thread can get', {
        hint: `Let ${module} export the log, too, so that each thread makes its own: export const log = kafka({ … }).`,
      })
    }
    const opener: { readonly openDescribed: OpenDescribed } = await import(log.module)
    return opener.openDescribed(log.options)
  }

  #logger(): Logger {
    if (!this.#start.logging) return silentLogger
    const line =
      (level: LogLevel) =>
      (fields: object, message: string): void => {
        const sent = Object.entries(fields).map(([name, value]) => [name, this.#values.send(value)] as const)
        this.#post({ type: 'log', level, fields: sent, message })
      }
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  }

  #restoreListener(): RestoreListener {
    return this.#start.restoring ? (...told) => this.#post({ type: 'restore', told }) : () => {}
  }

  #askWhatThen(error: unknown): Promise<UncaughtErrorDecision> {
    this.#post({ type: 'failing', error: this.#values.send(error) })
    return new Promise((resolve) => (this.#decide = resolve))
  }

  #onMessage(message: ToWorker): void {
    switch (message.type) {
      case 'run':
        this.#run.resolve()
        return
      case 'stop':
        this.#thread?.stop(message.urgency)
        return
      case 'shutdownApplication':
        void this.#shutdownApplication()
        return
      case 'look':
        this.#thread?.manager.counters.look(systemClock.monotonic())
        return
      case 'decision':
        this.#decide(message.decision)
        return
      case 'released':
        this.#holds.heard(message.task)
        return
      case 'query':
        void answerQuery(this.#scans, message, this.#values, (answer, moved) => this.#port.postMessage(answer, moved))
    }
  }

  /** @throws MR_QUERY_NOT_OWNER */
  #find(request: RowRequest): OwnedStore {
    if (this.#thread !== undefined) return this.#thread.manager.readable.find(request)
    throw new MillraceError('MR_QUERY_NOT_OWNER', 'the thread is being opened', { store: request.store })
  }

  async #shutdownApplication(): Promise<void> {
    await this.#thread?.shutdownApplication()
    this.#post({ type: 'shutdownTold' })
  }

  /** Returns the thread's status. Drops of the global tables are the same in each thread, and count in the first. */
  #status(): ThreadStatus {
    const status = this.#thread === undefined ? NO_STATUS : statusOf(this.#thread)
    if (this.#globals === undefined || this.#start.index > 0) return status
    return addStatus(status, { ...NO_STATUS, dropped: [...this.#globals.drops.byReason] })
  }

  /** Returns all that was counted here; see `#status` for the global tables. */
  #samples(): readonly Sample[] {
    if (this.#thread === undefined) return []
    const { applicationId, index } = this.#start
    const now = systemClock.monotonic()
    const samples = samplesOf(this.#thread, this.#scans, applicationId, now)
    if (this.#globals !== undefined && index === 0) {
      samples.addAll(globalSamples(this.#globals, applicationId, now).list())
    }
    samples.addAll(this.#log?.samples?.() ?? [])
    if (this.#thread.manager.counters.isLookedAt(now)) this.#heap.look()
    this.#heap.addTo(samples)
    return samples.list()
  }

  #reportLife(): void {
    this.#post({ type: 'vitals', vitals: this.#vitals(), samples: this.#samples() })
  }

  #vitals(): ThreadVitals {
    return { ...(this.#thread === undefined ? NO_VITALS : vitalsOf(this.#thread)), loop: ++this.#lifeSigns }
  }

  #report(): void {
    const status = this.#status()
    const text = JSON.stringify(status)
    if (text === this.#reported) return
    this.#reported = text
    this.#post({ type: 'status', status })
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message, [])
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}

function isKafkaLog(value: unknown): value is Log {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'kafka'
}

if (parentPort !== null) await new StreamWorker(parentPort, workerData as WorkerStart).main()
