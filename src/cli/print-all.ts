import { propertyOf } from '../errors/millrace-error.ts'

/**
 * Prints texts on standard output, no faster than they are read. Ends when nobody reads any more, as `head` does when
 * it has enough.
 */
export async function printAll(texts: AsyncIterable<string>): Promise<void> {
  process.stdout.off('error', ignore).on('error', ignore)
  for await (const text of texts) {
    const error = await written(text)
    if (propertyOf(error, 'code') === 'EPIPE') return
    if (error !== undefined) throw error
  }
}

function written(text: string): Promise<Error | undefined> {
  return new Promise((resolve) => process.stdout.write(text, (error) => resolve(error ?? undefined)))
}

/** The callback of the write has the error. Without a listener it would end the process as well. */
function ignore(): void {}
