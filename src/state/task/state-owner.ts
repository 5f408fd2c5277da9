import { MillraceError } from '../../errors/millrace-error.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { KeyValueEngine } from '../../engine/engine.ts'
import { OWNER_KEY } from './engine-space.ts'
import { WriteBatch } from '../../engine/write-batch.ts'

/** Whose state an engine holds. */
export interface StateOwner {
  /** Id of the application. */
  readonly application: string
  readonly task: string
}

/**
 * Takes an engine for a task, or finds that it is the task's. A directory may have been copied or renamed: stores, topics and offsets of
 * two tasks of a sub-topology are called the same, and rows of other partitions would be believed. An engine that a version wrote which
 * kept no owner is taken.
 *
 * @throws MR_STATE_FOREIGN if it holds the state of another task or application
 */
export function claimState(engine: KeyValueEngine, owner: StateOwner): MaybePromise<void> {
  const expected = JSON.stringify([owner.application, owner.task])
  const found = engine.get(OWNER_KEY)?.toString('utf8')
  if (found === expected) return
  if (found !== undefined) throw foreign(found, owner)
  const batch = new WriteBatch()
  batch.put(OWNER_KEY, Buffer.from(expected, 'utf8'))
  return engine.write(batch)
}

function foreign(found: string, { application, task }: StateOwner): MillraceError {
  return new MillraceError(
    'MR_STATE_FOREIGN',
    `the directory of the task holds the state of ${textOf(found)}, not of task ${task} of ${application}`,
    { task, hint: 'It was copied or renamed.' },
  )
}

function textOf(found: string): string {
  try {
    const [application, task]: unknown[] = JSON.parse(found)
    return `task ${String(task)} of ${String(application)}`
  } catch {
    return 'an unknown task'
  }
}
