/**
 * A key together with the window its record belongs to. `start` and `end` are milliseconds since the epoch; whether `end`
 * belongs to the window is up to its kind: not for tumbling and hopping windows, yes for sliding and session windows.
 *
 * @example
 * ```ts
 * counts.toStream().forEach((count, { key, start }) => console.log(key, new Date(start), count))
 * ```
 * Kafka Streams' `Windowed`.
 */
export class Windowed<K> {
  readonly key: K
  readonly start: number
  readonly end: number

  constructor(key: K, start: number, end: number) {
    this.key = key
    this.start = start
    this.end = end
  }

  /** As Kafka Streams prints it: `[key@start/end]`. */
  toString(): string {
    return `[${String(this.key)}@${this.start}/${this.end}]`
  }
}
