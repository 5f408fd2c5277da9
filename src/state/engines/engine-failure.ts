import { MillraceError } from '../../errors.ts'

/**
 * Says what an engine's failure to open a directory means to the user: MR_STATE_LOCKED, MR_STATE_CORRUPT (its files cannot
 * be understood), or MR_STATE_IO (the disk or its permissions refuse).
 */
export function openFailure(engine: string, directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause
  const text = textOf(cause)
  if (/lock/i.test(text)) {
    return new MillraceError('MR_STATE_LOCKED', `${directory} is in use by another process, or twice by this one`, {
      hint: 'stop the other process, or give this one a directory of its own',
      cause,
    })
  }
  if (/corrupt|no such file|not found|invalid argument|missing|does not match|not an sstable/i.test(text)) {
    return new MillraceError('MR_STATE_CORRUPT', `${engine} cannot read what lies in ${directory}`, {
      hint: 'delete the directory: state is rebuilt from its changelog; a log is lost',
      cause,
    })
  }
  return ioFailure(engine, directory, cause)
}

/** Says what a failure of an open engine means: MR_STATE_CORRUPT if a checksum is wrong, else MR_STATE_IO. */
export function ioFailure(engine: string, directory: string, cause: unknown): MillraceError {
  if (/corrupt|checksum/i.test(textOf(cause))) {
    return new MillraceError('MR_STATE_CORRUPT', `${engine} found damage in ${directory}: ${textOf(cause)}`, {
      hint: 'check the disk; then delete the directory: state is rebuilt from its changelog; a log is lost',
      cause,
    })
  }
  return new MillraceError('MR_STATE_IO', `${engine} failed in ${directory}: ${textOf(cause)}`, {
    hint: 'check free space and permissions of the directory',
    cause,
  })
}

export function engineClosed(engine: string, directory: string): MillraceError {
  return new MillraceError('MR_STATE_CLOSED', `the ${engine} engine of ${directory} is closed`)
}

export function engineUnavailable(engine: string, cause: unknown): MillraceError {
  return new MillraceError(
    'MR_ENGINE_UNAVAILABLE',
    `the ${engine} engine does not load on ${process.platform}-${process.arch}`,
    { hint: 'choose another engine, or install the binding for this platform', cause },
  )
}

/** The messages of an error and its causes. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? `${String(cause.code)} ` : ''
  return `${code}${cause.message}${cause.cause === undefined ? '' : `: ${textOf(cause.cause)}`}`
}
