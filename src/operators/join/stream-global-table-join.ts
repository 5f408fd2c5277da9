import type { Headers } from '../../record/headers.ts'
import { SpecOperator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'
import { settled } from '../user-result.ts'

/** Joins a stream's records with the row of a global table that a mapper names. The result keeps the stream's key. */
export class StreamGlobalTableJoin extends SpecOperator<'streamGlobalTableJoin'> {
  #table!: TableLookup

  override init(): void {
    this.#table = openTableView(this.spec.table, this.context)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const { join, keyMapper, joiner } = this.spec
    const tableKey = settled(keyMapper(value, key), this.context) ?? null
    if (value === null || (tableKey === null && join === 'inner')) {
      this.context.drop(value === null ? 'null-value' : 'null-key')
      return
    }
    const row = tableKey === null ? undefined : this.#table.get(tableKey)
    if (row === undefined && join === 'inner') return
    const result = settled(joiner(value, row === undefined ? null : row.value, key), this.context)
    this.output.forward(key, result ?? null, timestamp, headers)
  }

  override close(): void {
    this.#table.close()
  }
}
