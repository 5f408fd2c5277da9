import { Worker } from 'node:worker_threads'
import { MillraceError } from '../../errors/millrace-error.ts'
import { NO_VITALS, type ThreadVitals } from '../../health/vitals.ts'
import type { Logger, UncaughtErrorDecision } from '../../application/application.ts'
import { outlives, type Sample } from '../../metrics/samples.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import type { ThreadState } from '../thread/stream-thread.ts'
import {
  endedStatus,
  NO_STATUS,
  type ThreadHandle,
  type ThreadListeners,
  type ThreadStatus,
} from '../thread/thread-handle.ts'
import type { Urgency } from '../thread/urgency.ts'
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts'
import { RowsInThread } from './rows-in-thread.ts'
import { ValueReceiver } from './sent-error.ts'
import { storeInThread } from './store-in-thread.ts'

export interface WorkerThreadOptions extends ThreadListeners {
  readonly name: string
  readonly start: WorkerStart
  readonly logger: Logger
  readonly onRestore: RestoreListener
  readonly onReleased: (task: string) => void
  /** Called when the worker has ended, however it ended: what it had open is closed. */
  readonly onExit: () => void
}

/** A stream thread in a worker, seen from the main thread. */
export class WorkerThread implements ThreadHandle {
  readonly name: string
  readonly #options: WorkerThreadOptions
  readonly #worker: Worker
  readonly #values = new ValueReceiver()
  readonly rows = new RowsInThread((message) => this.#post(message), this.#values)
  readonly #opened = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  #shutdownTold = (): void => {}
  #state: ThreadState = 'starting'
  #status = NO_STATUS
  #vitals = NO_VITALS
  #samples: readonly Sample[] = []
  #failure: UncaughtErrorDecision | undefined
  #wasOpened = false
  /** How the thread ended, by its own account. */
  #end: { readonly error: unknown } | undefined
  /** True if the main thread no longer needs it. */
  #isDismissed = false
  /** What ended the worker while the thread was at work. */
  #crash: unknown

  constructor(options: WorkerThreadOptions) {
    this.#options = options
    this.name = options.name
    const file = import.meta.url.endsWith('.ts') ? './stream-worker.ts' : './stream-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      name: `StreamThread-${options.start.index + 1}`,
      workerData: options.start,
      argv: process.argv.slice(2),
    })
    this.#worker.on('message', (message: FromWorker) => this.#onMessage(message))
    // Node's copy of the error has neither code nor place. The worker's own report comes first, if it could send one.
    this.#worker.on('error', (error) => (this.#crash ??= error))
    this.#worker.on('exit', (code) => this.#onExit(code))
    for (const { promise } of [this.#opened, this.#ended]) promise.catch(() => {})
  }

  get state(): ThreadState {
    return this.#state
  }

  get failure(): UncaughtErrorDecision | undefined {
    return this.#failure
  }

  /** Resolves when the thread can be run; rejects with an error of the import or the connection, or MR_THREAD_DIED. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  run(): Promise<void> {
    this.#post({ type: 'run' })
    return this.#ended.promise
  }

  stop(urgency: Urgency): void {
    this.#post({ type: 'stop', urgency })
  }

  released(task: string): void {
    this.#post({ type: 'released', task })
  }

  async shutdownApplication(): Promise<void> {
    const told = new Promise<void>((resolve) => (this.#shutdownTold = resolve))
    this.#post({ type: 'shutdownApplication' })
    await Promise.race([told, this.#exited.promise])
  }

  status(): ThreadStatus {
    return this.#status
  }

  look(): void {
    this.#post({ type: 'look' })
  }

  samples(): readonly Sample[] {
    return this.#samples
  }

  vitals(): ThreadVitals {
    return this.#vitals
  }

  stores(name: string): never {
    throw storeInThread(name)
  }

  /** Ends the worker at once; resolves when it has ended. */
  async terminate(): Promise<void> {
    this.#isDismissed = true
    await this.#worker.terminate()
    await this.#exited.promise
  }

  #onMessage(message: FromWorker): void {
    const { logger, onRestore, onReleased, onRoutes, onShutdownRequest, onFailure } = this.#options
    switch (message.type) {
      case 'opened':
        this.#wasOpened = true
        this.#opened.resolve()
        return
      case 'state':
        this.#status = message.status
        this.#vitals = message.vitals
        this.#enter(message.state)
        return
      case 'status':
        this.#status = message.status
        return
      case 'vitals':
        this.#vitals = message.vitals
        this.#samples = message.samples
        return
      case 'log':
        logger[message.level](
          Object.fromEntries(message.fields.map(([name, value]) => [name, this.#values.receive(value)])),
          message.message,
        )
        return
      case 'restore':
        onRestore(...message.told)
        return
      case 'released':
        onReleased(message.task)
        return
      case 'answer':
      case 'refusal':
        this.rows.received(message)
        return
      case 'routes':
        onRoutes(message.routes)
        return
      case 'shutdownRequested':
        onShutdownRequest()
        return
      case 'shutdownTold':
        this.#shutdownTold()
        return
      case 'failing':
        this.#failure = onFailure(this.#values.receive(message.error))
        this.#post({ type: 'decision', decision: this.#failure })
        return
      case 'crashed':
        this.#crash = this.#values.receive(message.error)
        return
      case 'ended':
        this.#status = message.status
        this.#samples = message.samples
        this.#end = { error: message.error === undefined ? undefined : this.#values.receive(message.error) }
        // The application is done with the worker, even if the module keeps something running there.
        void this.#worker.terminate()
    }
  }

  #onExit(code: number): void {
    const { onExit, onFailure } = this.#options
    // Node closes the engines of a thread before it emits `exit`.
    onExit()
    this.rows.end()
    this.#exited.resolve()
    this.#status = endedStatus(this.#status)
    this.#samples = this.#samples.filter(outlives)
    this.#enter('dead')
    let error = this.#end?.error
    if (this.#end === undefined) {
      const death = died(this.name, this.#wasOpened, code, this.#crash)
      error = death
      if (this.#wasOpened && !this.#isDismissed) this.#failure = onFailure(death)
    }
    if (error === undefined) this.#ended.resolve()
    else this.#ended.reject(error)
    this.#opened.reject(error)
  }

  #enter(state: ThreadState): void {
    if (this.#state === state) return
    this.#state = state
    this.#options.onState(state)
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message, [])
  }
}

function died(thread: string, wasOpened: boolean, code: number, cause: unknown): MillraceError {
  const what = wasOpened ? 'ended without closing its tasks' : 'ended before the thread could begin'
  const why = cause instanceof Error ? `: ${cause.message}` : ` (exit code ${code})`
  return new MillraceError('MR_THREAD_DIED', `the worker of ${thread} ${what}${why}`, {
    cause,
    hint: wasOpened
      ? 'Nothing is lost: its tasks go on from the last commit where they are opened next.'
      : 'See whether the module of the application can be imported in a worker of node:worker_threads.',
  })
}
