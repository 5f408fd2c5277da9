import type { Clock } from '../../platform/clock.ts'
import { Operator } from '../../operators/operator.ts'
import type { Headers } from '../../record/headers.ts'

/** One stay in a node, without what it forwarded to. */
export interface NodeTime {
  /** ms. */
  readonly length: number
  readonly node: string
  readonly task: string
}

/**
 * In which node the time goes. Looking at the clock around every node is not for every day: it is done once a callback has kept the
 * event loop for so long that the membership was lost.
 */
export class NodeTimes {
  readonly #clock: Clock
  /** Time spent in the nodes that the node under way forwarded to. */
  #below = 0
  #slowest: NodeTime | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The longest stay so far. */
  get slowest(): NodeTime | undefined {
    return this.#slowest
  }

  measure(task: string, node: string, act: () => void): void {
    const below = this.#below
    this.#below = 0
    const start = this.#clock.monotonic()
    try {
      act()
    } finally {
      const total = this.#clock.monotonic() - start
      const length = total - this.#below
      if (length > (this.#slowest?.length ?? 0)) this.#slowest = { length, node, task }
      this.#below = below + total
    }
  }
}

/** Stands before an operator and measures it. */
export class TimedOperator extends Operator {
  readonly #timed: Operator
  readonly #node: string
  readonly #times: NodeTimes

  constructor(timed: Operator, node: string, times: NodeTimes) {
    super()
    this.#timed = timed
    this.#node = node
    this.#times = times
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const timed = this.#timed
    this.#times.measure(timed.context.taskId, this.#node, () => timed.process(key, value, timestamp, headers))
  }
}
