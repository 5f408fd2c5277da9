import { MillraceError } from '../../errors/millrace-error.ts'
import type { EngineOptions } from '../../engine/engine.ts'
import { claimState } from '../../state/task/state-owner.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import { TaskState, type StateEnvironment } from '../../state/task/task-state.ts'
import type { Logger } from '../../application/application.ts'
import type { StateHome } from './state-home.ts'
import { wait, type Steps } from '../../platform/steps.ts'

const UNRESTORABLE_HINT = 'Nothing was deleted. Put the state back, or delete the directory to begin empty.'
/** Codes of errors for which a whole directory is deleted, because changelogs have it all. */
const UNUSABLE: ReadonlySet<string> = new Set(['MR_STATE_CORRUPT', 'MR_STATE_ENGINE', 'MR_STATE_FOREIGN'])

/**
 * Opens the state of a task. State that cannot be read, was written by another engine or version, or belongs to another
 * task is deleted, and begins empty to be restored. But if a store in it has no changelog, nothing is deleted.
 *
 * @param unlogged persistent stores without a changelog
 * @param application its id
 * @param memory that of the task's engine
 * @throws MR_STATE_LOCKED, or what the disk or its permissions refuse; if a store has no changelog, MR_STATE_CORRUPT,
 * MR_STATE_ENGINE and MR_STATE_FOREIGN
 */
export function* openState(
  home: StateHome,
  specs: readonly StoreSpec[],
  unlogged: readonly string[],
  environment: StateEnvironment,
  application: string,
  memory: Required<EngineOptions>,
  logger: Logger,
): Steps<TaskState> {
  const { task } = environment
  try {
    return yield* openOnce(home, specs, environment, application, memory)
  } catch (error) {
    if (!(error instanceof MillraceError) || !UNUSABLE.has(error.code)) throw error
    if (unlogged.length > 0) throw unrestorable(error, task, unlogged)
    logger.warn({ task, err: error }, 'state cannot be used; it is deleted and restored from the changelogs')
    yield* wait(home.destroy(task))
  }
  return yield* openOnce(home, specs, environment, application, memory)
}

function* openOnce(
  home: StateHome,
  specs: readonly StoreSpec[],
  environment: StateEnvironment,
  application: string,
  memory: Required<EngineOptions>,
): Steps<TaskState> {
  const engine = yield* wait(home.open(environment.task, memory))
  try {
    if (home.engine.persistent) yield* wait(claimState(engine, { application, task: environment.task }))
    return yield* wait(TaskState.open(engine, specs, environment))
  } catch (error) {
    yield* wait(engine.close())
    home.release(environment.task)
    throw error
  }
}

function unrestorable(error: MillraceError, task: string, stores: readonly string[]): MillraceError {
  return new MillraceError(
    error.code,
    `${error.message}; ${stores.join(', ')} cannot be restored, having no changelog`,
    { task, cause: error, hint: `${error.hint ?? ''} ${UNRESTORABLE_HINT}`.trim() },
  )
}
