import { join } from 'node:path'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import type { EngineFactory, EngineOptions, KeyValueEngine } from '../state/engine.ts'

/** Where the engines of an application's tasks lie. */
export interface StateHome {
  readonly engine: EngineFactory
  /** Opens the engine of a task (or of the global tables). @throws MR_STATE_LOCKED, MR_STATE_CORRUPT */
  open(task: string): MaybePromise<KeyValueEngine>
  /** Deletes what the task's engine holds; it must not be open. */
  destroy(task: string): MaybePromise<void>
}

/** One directory a task under the application's directory. */
export function stateHome(engine: EngineFactory, directory: string, options: EngineOptions = {}): StateHome {
  return {
    engine,
    open: (task) => engine.open(join(directory, task), options),
    destroy: (task) => engine.destroy(join(directory, task)),
  }
}
