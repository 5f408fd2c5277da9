import { MillraceError } from '../../errors/millrace-error.ts'
import { DIRECTORY_FAILURES } from '../../platform/directory-failure.ts'

/** An engine that finds damage, or a disk that refuses, does not know whose it is: names the task. Other errors stay as they are. */
export function namingTask(error: unknown, task: string): unknown {
  const isFailure = error instanceof MillraceError && DIRECTORY_FAILURES.has(error.code)
  if (!(isFailure || isDamage(error)) || error.task !== undefined) return error
  return new MillraceError(error.code, error.message, {
    task,
    cause: error,
    hint: isFailure
      ? `${error.hint ?? ''} What was committed and not written is restored from the changelogs.`.trim()
      : 'Check the disk. The state is deleted and restored from its changelogs when the task is opened next.',
  })
}

/** The task whose state is damaged, if that is what the error says. */
export function damagedTask(error: unknown): string | undefined {
  return isDamage(error) ? error.task : undefined
}

function isDamage(error: unknown): error is MillraceError {
  return error instanceof MillraceError && error.code === 'MR_STATE_CORRUPT'
}
