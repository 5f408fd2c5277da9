import { MillraceError } from '../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from './maybe-promise.ts'

/**
 * A procedure in steps, some of which may have to wait (commit, restore, rebalance). It is written once, as a
 * generator: a stream thread awaits each promise it yields; the test driver requires that it yields none.
 */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>

/** Inside a procedure: `const outcome = yield* wait(client.commit(offsets))`. */
export function* wait<T>(answer: MaybePromise<T>): Steps<T> {
  return isPromise(answer) ? ((yield answer) as T) : answer
}

export async function runSteps<T>(steps: Steps<T>): Promise<T> {
  let step = steps.next()
  while (!step.done) {
    let answer: unknown
    try {
      answer = await step.value
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(answer)
  }
  return step.value
}

/** @throws MR_NOT_SYNCHRONOUS if a step would have to wait */
export function runStepsNow<T>(steps: Steps<T>): T {
  const step = steps.next()
  if (step.done) return step.value
  step.value.catch(() => {})
  throw new MillraceError('MR_NOT_SYNCHRONOUS', 'a step has to wait where waiting is impossible', {
    hint: 'Open the test driver with `await TopologyTestDriver.open(…)` for engines that write asynchronously.',
  })
}
