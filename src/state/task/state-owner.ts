import { MillraceError } from '../../errors/millrace-error.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { KeyValueEngine } from '../../engine/engine.ts'
import { OWNER_KEY } from './engine-space.ts'
import { WriteBatch } from '../../engine/write-batch.ts'

/** The task whose state an engine holds. */
export interface StateOwner {
  /** The id of the application. */
  readonly application: string
  readonly task: string
}

/**
 * Takes an engine for a task, unless it is the task's already. A directory may have been copied or renamed, and rows of
 * another partition would be believed, as two tasks of a sub-topology have stores and topics of the same names. An
 * engine without an owner, as early versions wrote it, is taken.
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
