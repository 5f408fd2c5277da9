import { MillraceError } from '../../errors/millrace-error.ts'
import type { Operator, Output } from '../../operators/operator.ts'
import type { Headers } from '../../record/headers.ts'
import type { NodeCounters } from '../counters/node-counters.ts'
import { TimedOperator, type NodeMeasure } from './node-times.ts'

/** Decides about an error in a node: returns if only its subtree drops the record, throws if the task cannot go on. */
export type NodeFailure = (error: unknown, node: string) => void

/** Calls the children of a node one after the other. An error belongs to the innermost node that threw it. */
export class NodeOutput implements Output {
  #children: Operator[] = []
  readonly #names: string[] = []
  readonly #failed: NodeFailure
  readonly #node: string
  readonly #passed: Float64Array
  readonly #passedTo: Float64Array
  /** The node's place among those counted, and that of the first of its edges. */
  readonly #index: number
  readonly #firstEdge: number
  #untimed: Operator[] | undefined

  constructor(node: string, failed: NodeFailure, counters: NodeCounters) {
    this.#node = node
    this.#failed = failed
    this.#passed = counters.passed
    this.#passedTo = counters.passedTo
    this.#index = counters.indexOf(node)
    this.#firstEdge = counters.edgesOf(node)
  }

  add(name: string, child: Operator): void {
    this.#names.push(name)
    this.#children.push(child)
  }

  /** Measures the children from now on, or (undefined) not any more. */
  time(times: NodeMeasure | undefined): void {
    const untimed = (this.#untimed ??= this.#children)
    this.#children =
      times === undefined
        ? untimed
        : untimed.map((child, i) => new TimedOperator(child, this.#names[i] as string, times))
  }

  forward(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.#passed[this.#index]!++
    const children = this.#children
    for (let i = 0; i < children.length; i++) {
      try {
        ;(children[i] as Operator).process(key, value, timestamp, headers)
      } catch (error) {
        this.#failed(error, this.#names[i] as string)
      }
    }
  }

  forwardTo(child: string, key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const at = this.#names.indexOf(child)
    if (at < 0) {
      throw new MillraceError('MR_UNKNOWN_CHILD', `"${child}" is not a child of this processor`, {
        node: this.#node,
        hint: `Its children are: ${this.#names.join(', ') || 'none'}.`,
      })
    }
    this.#passedTo[this.#firstEdge + at]!++
    try {
      ;(this.#children[at] as Operator).process(key, value, timestamp, headers)
    } catch (error) {
      this.#failed(error, child)
    }
  }
}

/** Copies the headers, for processors that change them in place, as in Kafka Streams: nodes upstream do not see it. */
export class NewRecordOutput extends NodeOutput {
  override forward(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    super.forward(key, value, timestamp, headers.copy())
  }

  override forwardTo(child: string, key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    super.forwardTo(child, key, value, timestamp, headers.copy())
  }
}
