import { MillraceError } from '../../errors/millrace-error.ts'
import type { Headers } from '../../record/headers.ts'
import type { JoinBuffer } from '../../state/states.ts'
import { ObservedTime } from '../observed-time.ts'
import { SpecOperator } from '../operator.ts'
import { openTableView, type TableLookup } from '../table/table-view.ts'
import { settled } from '../user-result.ts'

/**
 * Joins a stream's records with the row a table has for their key at that moment; with the row valid at the record's
 * timestamp, if the table is versioned. With a grace period records wait for it, in order of their timestamps.
 */
export class StreamTableJoin extends SpecOperator<'streamTableJoin'> {
  readonly #joiner = this.spec.joiner
  readonly #isLeftJoin = this.spec.join === 'left'
  #table!: TableLookup
  #buffer: JoinBuffer<unknown, unknown> | null = null
  #observed: ObservedTime | null = null

  override init(): void {
    this.#table = openTableView(this.spec.table, this.context)
    if (this.spec.buffer === null) return
    this.#buffer = this.context.state(this.spec.buffer)
    this.#observed = new ObservedTime(this.context, this.context.node)
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const streamTime = this.#observed?.advance(timestamp) ?? timestamp
    const buffer = this.#buffer
    // A record that is not buffered moves stream time as well. With Kafka Streams what is due then waits for the next
    // one.
    if ((key === null || value === null) && !this.context.compatible && this.#isDue())
      buffer?.evictWhile(this.#isDue, this.#join)
    if (value === null || (key === null && !this.#isLeftJoin)) {
      this.context.drop(key === null ? 'null-key' : 'null-value')
      return
    }
    if (buffer === null) {
      this.#join(key, value, timestamp, headers)
    } else if (key === null) {
      if (this.context.compatible) throw this.#nullKey()
      this.#join(key, value, timestamp, headers)
    } else if (timestamp < streamTime - this.spec.grace || !buffer.put(key, value, timestamp, headers)) {
      this.#join(key, value, timestamp, headers)
    } else if (this.#isDue()) {
      buffer.evictWhile(this.#isDue, this.#join)
    }
  }

  override passTime(ms: number, limit: number): boolean {
    if (this.#buffer === null || this.#observed?.pass(ms, limit) !== true || !this.#isDue()) return false
    this.#buffer.evictWhile(this.#isDue, this.#join)
    return true
  }

  override close(): void {
    this.#table.close()
  }

  readonly #isDue = (): boolean =>
    this.#buffer !== null && this.#observed !== null && this.#buffer.minTime <= this.#observed.time - this.spec.grace

  readonly #join = (key: unknown, value: unknown, timestamp: number, headers: Headers): void => {
    let row: unknown = null
    if (key !== null) {
      const entry = this.spec.tableVersioned ? this.#table.getAsOf(key, timestamp) : this.#table.get(key)
      if (entry !== undefined) row = entry.value
    }
    if (row === null && !this.#isLeftJoin) return
    this.output.forward(key, settled(this.#joiner(value, row, key), this.context) ?? null, timestamp, headers)
  }

  #nullKey(): MillraceError {
    return new MillraceError('MR_NULL_KEY', 'a stream-table join with a grace period got a record without key', {
      node: this.context.node,
      task: this.context.taskId,
      hint: "Filter such records out; only compatibility: 'kafka-streams-4.3' refuses them.",
    })
  }
}
