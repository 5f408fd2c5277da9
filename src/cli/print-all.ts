import { propertyOf } from '../errors/millrace-error.ts'

/**
 * Prints texts on standard output, no faster than they are read. Ends when nobody reads any more, as `head` does when
 * it has enough.
 */
export async function printAll(texts: AsyncIterable<string>): Promise<void> {
  for await (const text of texts) if (!(await printed(text))) return
}

/** Prints a text or bytes, which must stay as they are until then. False: nobody reads any more. */
export async function printed(output: string | Buffer): Promise<boolean> {
  process.stdout.off('error', ignore).on('error', ignore)
  const error = await new Promise<Error | undefined>((resolve) =>
    process.stdout.write(output, (failure) => resolve(failure ?? undefined)),
  )
  if (propertyOf(error, 'code') === 'EPIPE') return false
  if (error !== undefined) throw error
  return true
}

/** The callback of the write has the error. Without a listener it would end the process as well. */
function ignore(): void {}
