import { isDeepStrictEqual } from 'node:util'
import { MillraceError } from '../../errors/millrace-error.ts'
import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { checkPair } from '../mapped-result.ts'
import { SpecOperator } from '../operator.ts'

/**
 * `groupBy` of a table: for each change, what to take from the group of the old value and what to add to that of the
 * new one. One record does both if the group is the same; else the old one goes first.
 */
export class TableGroupBy extends SpecOperator<'tableGroupBy'> {
  readonly #mapper = this.spec.mapper

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (key === null) throw nullKey(this.context.node, this.context.taskId)
    const change = asChange(value)
    // An aggregate holds the latest versions only.
    if (!change.isLatest) return
    const added = this.#select(key, change.newValue)
    const removed = this.#select(key, change.oldValue)
    if (added !== null && removed !== null && sameKey(added[0], removed[0])) {
      this.output.forward(added[0], new Change(added[1], removed[1]), timestamp, headers)
      return
    }
    if (removed !== null) this.output.forward(removed[0], new Change(null, removed[1]), timestamp, headers)
    if (added !== null) this.output.forward(added[0], new Change(added[1], null), timestamp, headers)
  }

  #select(key: unknown, value: unknown): readonly [unknown, unknown] | null {
    if (value === null) return null
    const pair: readonly [unknown, unknown] | null | undefined = this.#mapper(value, key)
    if (pair === null || pair === undefined) return null
    const [group, grouped] = checkPair(pair, 'groupBy', this.context)
    const complete = group !== null && group !== undefined && grouped !== null && grouped !== undefined
    return complete ? pair : null
  }
}

function sameKey(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && isDeepStrictEqual(one, other))
}

function nullKey(node: string, task: string): MillraceError {
  return new MillraceError('MR_NULL_KEY', 'groupBy() of a table got a record without key', {
    node,
    task,
    hint: 'A table has a key for every row; look at what is upstream of the table.',
  })
}
