import type { Aggregator, Folding, Initializer, Reducer } from '../topology/operator-spec.ts'

/** How an aggregation takes a record in. */
export interface Fold {
  /** What the aggregate of no records is; null for `reduce`, which has none. */
  initial(): unknown
  /** The aggregate with one more record; `aggregate` null: there is none yet. A null result deletes. */
  add(aggregate: unknown, value: unknown, key: unknown): unknown
}

export function createFold(folding: Folding): Fold {
  switch (folding.kind) {
    case 'count':
      return new CountFold()
    case 'reduce':
      return new ReduceFold(folding.reducer)
    case 'aggregate':
      return new AggregateFold(folding.initializer, folding.aggregator)
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

  constructor(reducer: Reducer) {
    this.#reducer = reducer
  }

  initial(): unknown {
    return null
  }

  add(aggregate: unknown, value: unknown): unknown {
    return aggregate === null ? value : (this.#reducer(aggregate, value) ?? null)
  }
}

class AggregateFold implements Fold {
  readonly #initializer: Initializer
  readonly #aggregator: Aggregator

  constructor(initializer: Initializer, aggregator: Aggregator) {
    this.#initializer = initializer
    this.#aggregator = aggregator
  }

  initial(): unknown {
    return this.#initializer() ?? null
  }

  add(aggregate: unknown, value: unknown, key: unknown): unknown {
    return this.#aggregator(aggregate === null ? this.initial() : aggregate, value, key) ?? null
  }
}
