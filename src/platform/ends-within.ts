import type { Clock } from './clock.ts'

/** Waits for something for a bounded time (ms), and returns whether it has ended. What it throws counts as an end. */
export async function endsWithin(clock: Clock, ms: number, work: PromiseLike<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = clock.schedule(ms, () => late.resolve(false))
  const ended = work.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([ended, late.promise])
  } finally {
    timer.cancel()
  }
}
