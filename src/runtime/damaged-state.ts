import { MillraceError } from '../errors.ts'

/** An engine that finds damage, or a disk that refuses, does not know whose it is: names the task. Other errors stay as they are. */
export function namingTask(error: unknown, task: string): unknown {
  const isFailure = error instanceof MillraceError && error.code === 'MR_STATE_IO'
  if (!(isFailure || isDamage(error)) || error.task !== undefined) return error
  return new MillraceError(error.code, error.message, {
    task,
    cause: error,
    hint: isFailure
      ? 'Make room on the disk, or check its permissions, then start again: what was committed and not written is restored from the changelogs.'
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
