import { ResponseMessage } from '../../record/foreign-key.ts'
import type { Headers } from '../../record/headers.ts'
import { murmur3 } from '../../record/murmur3.ts'
import { serialized } from '../../serde/call-serde.ts'
import { SpecOperator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'
import { settled } from '../user-result.ts'

/**
 * Left side of a foreign-key join: joins an answer with the left row, if that is still the row that asked. Forwards the
 * results as plain upserts, for the `tableSource` that keeps the joined table.
 */
export class ForeignKeyResolve extends SpecOperator<'foreignKeyResolve'> {
  readonly #values = this.spec.valueSerde.internal ?? this.spec.valueSerde
  #left!: TableLookup

  override init(): void {
    this.#left = openTableView(this.spec.left, this.context)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const response = asResponse(value)
    const row = this.#left.get(key)
    if (!this.#isCurrent(row?.value, response.hash)) return this.context.drop('stale-response')
    const hasResult = response.value !== null || (this.spec.join === 'left' && row !== undefined)
    const result = hasResult
      ? (settled(this.spec.joiner(row?.value ?? null, response.value, key), this.context) ?? null)
      : null
    this.output.forward(key, result, timestamp, headers)
  }

  override close(): void {
    this.#left.close()
  }

  #isCurrent(value: unknown, hash: Buffer | null): boolean {
    if (value === undefined || hash === null) return value === undefined && hash === null
    return murmur3(serialized(this.#values, value)).equals(hash)
  }
}

function asResponse(value: unknown): ResponseMessage<unknown> {
  if (value instanceof ResponseMessage) return value
  throw new TypeError('a foreign-key join got a record that is not a response')
}
