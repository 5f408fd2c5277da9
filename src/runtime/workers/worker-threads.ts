import { DropCounter } from '../node/drop-counter.ts'
import type { Logger } from '../../application/application.ts'
import { threadName } from '../thread/open-thread.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import type { ThreadHandle, ThreadHost, ThreadListeners } from '../thread/thread-handle.ts'
import type { WorkerStart } from './messages.ts'
import { holdsMemory, SharedHolds } from './shared-holds.ts'
import { storeInThread } from './store-in-thread.ts'
import { WorkerThread } from './worker-thread.ts'

export interface WorkerThreadsOptions {
  readonly start: Omit<WorkerStart, 'holds' | 'owner' | 'index'>
  readonly logger: Logger
  readonly onRestore: RestoreListener
}

/** The main thread's number among the holders of tasks. */
const MAIN = 1

/**
 * Stream threads in workers, each with its own copy of the application, connections and global tables. They share the
 * state directory: a task's engine is open in at most one thread. When a thread ends in any way, its tasks are free.
 */
export class WorkerThreads implements ThreadHost {
  readonly #options: WorkerThreadsOptions
  readonly #memory = holdsMemory()
  readonly #workers = new Set<WorkerThread>()
  #lastOwner = MAIN
  /** Holds of the main thread, which opens no task, but deletes directories that no thread has. */
  readonly holds: SharedHolds
  /** The workers report what their global tables dropped. */
  readonly drops = new DropCounter()
  /** These the workers report, too. */
  readonly samples = []

  constructor(options: WorkerThreadsOptions) {
    this.#options = options
    this.holds = new SharedHolds(this.#memory, MAIN, (task) => this.#tell(task))
  }

  /** Does nothing: each worker brings its own copies of the global tables up to date. */
  prepare(): Promise<void> {
    return Promise.resolve()
  }

  async open(index: number, listeners: ThreadListeners): Promise<ThreadHandle> {
    const { start, logger, onRestore } = this.#options
    const owner = ++this.#lastOwner
    const thread = new WorkerThread({
      ...listeners,
      name: threadName(start.applicationId, start.processId, index),
      start: { ...start, holds: this.#memory, owner, index },
      logger,
      onRestore,
      onReleased: (task) => {
        this.holds.heard(task)
        this.#tell(task, thread)
      },
      onExit: () => {
        this.#workers.delete(thread)
        this.holds.freeAllOf(owner)
      },
    })
    this.#workers.add(thread)
    await thread.opened
    return thread
  }

  #tell(task: string, from?: WorkerThread): void {
    for (const worker of this.#workers) if (worker !== from) worker.released(task)
  }

  globalStore(name: string): never {
    throw storeInThread(name)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }
}
