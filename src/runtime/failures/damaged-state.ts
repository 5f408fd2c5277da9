import { MillraceError } from '../../errors/millrace-error.ts'
import { DIRECTORY_FAILURES } from '../../platform/directory-failure.ts'

/** Adds the task to an error of an engine that finds damage, or of a disk that refuses. Other errors stay the same. */
export function namingTask(error: unknown, task: string): unknown {
  const isFailure = error instanceof MillraceError && DIRECTORY_FAILURES.has(error.code)
  if (!(isFailure || isDamage(error)) || error.task !== undefined) return error
  return new MillraceError(error.code, error.message, {
    task,
    cause: error,
    hint: isFailure
      ? `${error.hint ?? ''} What was committed but not written is restored from the changelogs.`.trim()
      : 'Check the disk. The state is deleted and restored from its changelogs when the task is opened next.',
  })
}

/** Returns the task whose state is damaged, if the error says so. */
export function damagedTask(error: unknown): string | undefined {
  return isDamage(error) ? error.task : undefined
}

function isDamage(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'MR_STATE_CORRUPT'
}
