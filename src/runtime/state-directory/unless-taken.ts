import { MillraceError } from '../../errors/millrace-error.ts'
import type { StateHome } from './state-home.ts'
import type { Steps } from '../../platform/steps.ts'

/** Another thread may have been quicker to open the task since it was seen to be free; false if so. */
export function* unlessTaken(home: StateHome, task: string, opening: Steps<void>): Steps<boolean> {
  try {
    yield* opening
    return true
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MR_STATE_LOCKED' && home.isHeld(task)) return false
    throw error
  }
}
