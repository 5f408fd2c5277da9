import type { Aggregator, Folding, Initializer, Reducer } from '../../topology/operator-spec.ts'
import type { OperatorContext } from '../operator.ts'
import { settled } from '../user-result.ts'

/** How an aggregation takes a record in. */
export interface Fold {
  /** What the aggregate of no records is; null for `reduce`, which has none. */
  initial(): unknown
  /** The aggregate with one more record; `aggregate` null: there is none yet. A null result deletes. */
  add(aggregate: unknown, value: unknown, key: unknown): unknown
}

export function createFold(folding: Folding, context: OperatorContext): Fold {
  switch (folding.kind) {
    case 'count':
      return new CountFold()
    case 'reduce':
      return new ReduceFold(folding.reducer, context)
    case 'aggregate':
      return new AggregateFold(folding.initializer, folding.aggregator, context)
  }
}

class CountFold implements Fold {
  initial(): unknown {
    return 0
  }

  add(aggregate: unknown): unknown {
    return typeof aggregate === 'number' ? aggregate + 1 : 1
  }
}

class ReduceFold implements Fold {
  readonly #reducer: Reducer
  readonly #context: OperatorContext

  constructor(reducer: Reducer, context: OperatorContext) {
    this.#reducer = reducer
    this.#context = context
  }

  initial(): unknown {
    return null
  }

  add(aggregate: unknown, value: unknown): unknown {
    return aggregate === null ? value : (settled(this.#reducer(aggregate, value), this.#context) ?? null)
  }
}

class AggregateFold implements Fold {
  readonly #initializer: Initializer
  readonly #aggregator: Aggregator
  readonly #context: OperatorContext

  constructor(initializer: Initializer, aggregator: Aggregator, context: OperatorContext) {
    this.#initializer = initializer
    this.#aggregator = aggregator
    this.#context = context
  }

  initial(): unknown {
    return settled(this.#initializer(), this.#context) ?? null
  }

  add(aggregate: unknown, value: unknown, key: unknown): unknown {
    const result = this.#aggregator(aggregate === null ? this.initial() : aggregate, value, key)
    return settled(result, this.#context) ?? null
  }
}
