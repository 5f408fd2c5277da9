import { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../application/application.ts'
import { NodeTimes } from '../node/node-times.ts'
import type { Slice } from '../../platform/slice.ts'
import type { TaskManager } from './task-manager.ts'

/** Share of the session timeout. A shorter hold of the event loop cannot be why no heartbeat was sent for all of it. */
const TELLING_SHARE = 0.5

/**
 * Finds the function that keeps the event loop for so long that the group gives this member up. The first time shows
 * only that some function does. Its records are processed again, now with a look at the clock around every node, so
 * that the second time names it. That ends the thread: a third time would be the same.
 */
export class OverlongCallback {
  readonly #slice: Slice
  readonly #manager: TaskManager
  readonly #clock: Clock
  readonly #logger: Logger
  #times: NodeTimes | undefined

  constructor(slice: Slice, manager: TaskManager, clock: Clock, logger: Logger) {
    this.#slice = slice
    this.#manager = manager
    this.#clock = clock
    this.#logger = logger
  }

  /**
   * Call it when membership was lost.
   *
   * @param sessionTimeout ms without a heartbeat after which it is
   * @throws MR_CALLBACK_TOO_LONG
   */
  lost(sessionTimeout: number): void {
    const { length, end } = this.#slice.longestHold
    const least = sessionTimeout * TELLING_SHARE
    if (length < least || this.#clock.monotonic() - end > sessionTimeout) return
    const slowest = this.#times?.slowest
    if (slowest !== undefined && slowest.length >= least) throw tooLong(slowest, sessionTimeout)
    this.#logger.warn(
      { held: length, sessionTimeout },
      'a function kept the event loop for so long that membership was lost; ' +
        'its records are processed again, and its processor is looked for',
    )
    this.#times = new NodeTimes(this.#clock)
    this.#manager.timeNodes(this.#times)
  }
}

function tooLong(
  { length, node, task }: { readonly length: number; readonly node: string; readonly task: string },
  sessionTimeout: number,
): MillraceError {
  return new MillraceError(
    'MR_CALLBACK_TOO_LONG',
    `a function of the processor kept the event loop for ${length} ms: ` +
      `no heartbeat could be sent, and the group gave this member up after ${sessionTimeout} ms`,
    {
      node,
      task,
      hint:
        `A function must return well within the session timeout (${sessionTimeout} ms). ` +
        'Split its work, do it elsewhere, or raise the timeout: ' +
        'streams.session.timeout.ms of the group on the brokers, or, with the classic protocol, sessionTimeout.',
    },
  )
}
