import { setTimeout as sleep } from 'node:timers/promises'

/** @throws if it takes too long */
export async function within<T>(ms: number, work: Promise<T>, complaint: string): Promise<T> {
  const done = new AbortController()
  const late = async (): Promise<never> => {
    await sleep(ms, undefined, { signal: done.signal })
    throw new Error(`${complaint}, not within ${ms} ms`)
  }
  try {
    return await Promise.race([work, late()])
  } finally {
    done.abort()
  }
}
