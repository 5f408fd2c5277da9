import type { Clock } from '../../platform/clock.ts'
import { Operator } from '../../operators/operator.ts'
import type { Headers } from '../../record/headers.ts'

/** The time of one call of a node, without the nodes that it forwarded to. */
export interface NodeTime {
  /** ms */
  readonly length: number
  readonly node: string
  readonly task: string
}

/** Measures the calls of nodes. */
export interface NodeMeasure {
  /** Calls `act`, which is a call of the node. */
  measure(task: string, node: string, act: () => void): void
}

/** Finds the slowest node. It costs too much for normal work: it is used once a long callback cost the membership. */
export class NodeTimes implements NodeMeasure {
  readonly #clock: Clock
  /** ms spent in the nodes that the current node forwarded to. */
  #below = 0
  #slowest: NodeTime | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The longest call so far. */
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

/** Calls an operator and measures it. */
export class TimedOperator extends Operator {
  readonly #timed: Operator
  readonly #node: string
  readonly #times: NodeMeasure

  constructor(timed: Operator, node: string, times: NodeMeasure) {
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
