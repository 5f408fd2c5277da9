import type { ThreadVitals } from '../../health/vitals.ts'
import type { Sample } from '../../metrics/samples.ts'
import type { UncaughtErrorDecision } from '../../application/application.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import { GlobalTables } from '../thread/global-tables.ts'
import { openThread, statusOf, vitalsOf, type SharedParts } from '../thread/open-thread.ts'
import { OpenScans } from '../../query/open-scans.ts'
import { runSteps } from '../../platform/steps.ts'
import { globalSamples, samplesOf } from '../thread/thread-samples.ts'
import type { StreamThread, ThreadState } from '../thread/stream-thread.ts'
import type { Urgency } from '../thread/urgency.ts'
import type { ThreadHandle, ThreadHost, ThreadListeners, ThreadStatus } from '../thread/thread-handle.ts'

/** Stream threads side by side on this event loop; they share the global tables. */
export class EventLoopThreads implements ThreadHost {
  readonly #parts: SharedParts
  readonly #globals: GlobalTables
  /** By index: the last one opened. */
  readonly #opened: Promise<StreamThread>[] = []

  private constructor(parts: SharedParts) {
    this.#parts = parts
    this.#globals = parts.globals
  }

  /** @throws MR_TOPIC_UNKNOWN */
  static async open(parts: Omit<SharedParts, 'globals'>): Promise<EventLoopThreads> {
    const { app, topology, log, home, clock } = parts
    const globals = await runSteps(GlobalTables.open(app, topology, log, home, clock))
    return new EventLoopThreads({ ...parts, globals })
  }

  prepare(): Promise<void> {
    return runSteps(this.#globals.bootstrap())
  }

  async open(index: number, listeners: ThreadListeners): Promise<ThreadHandle> {
    const opening = openThread({ ...this.#parts, ...listeners }, index)
    this.#opened[index] = opening
    return new EventLoopThread(await opening, this.#parts)
  }

  get drops(): DropCounter {
    return this.#globals.drops
  }

  get samples(): readonly Sample[] {
    const { app, clock } = this.#parts
    return globalSamples(this.#globals, app.id, clock.monotonic()).list()
  }

  globalStore(name: string): unknown {
    return this.#globals.outsideStore(name)
  }

  async close(): Promise<void> {
    for (const opened of await Promise.allSettled(this.#opened)) {
      if (opened.status === 'fulfilled' && opened.value.state === 'starting') await opened.value.close()
    }
    await runSteps(this.#globals.close())
  }
}

class EventLoopThread implements ThreadHandle {
  readonly rows: OpenScans
  readonly #thread: StreamThread
  readonly #parts: Pick<SharedParts, 'app' | 'clock'>

  constructor(thread: StreamThread, parts: Pick<SharedParts, 'app' | 'clock'>) {
    const { clock } = parts
    this.#thread = thread
    this.#parts = parts
    this.rows = new OpenScans({ clock, find: (request) => thread.manager.readable.find(request) })
  }

  get name(): string {
    return this.#thread.name
  }

  get state(): ThreadState {
    return this.#thread.state
  }

  get failure(): UncaughtErrorDecision | undefined {
    return this.#thread.failure
  }

  run(): Promise<void> {
    return this.#thread.run()
  }

  stop(urgency: Urgency): void {
    this.#thread.stop(urgency)
  }

  shutdownApplication(): Promise<void> {
    return this.#thread.shutdownApplication()
  }

  status(): ThreadStatus {
    return statusOf(this.#thread)
  }

  look(): void {
    this.#thread.manager.counters.look(this.#parts.clock.monotonic())
  }

  samples(): readonly Sample[] {
    return samplesOf(this.#thread, this.rows, this.#parts.app.id, this.#parts.clock.monotonic()).list()
  }

  vitals(): ThreadVitals {
    return vitalsOf(this.#thread)
  }

  stores(name: string): readonly unknown[] {
    return this.#thread.manager.states(name).map(({ state }) => state.outsideStore(name))
  }
}
