/**
 * A key together with the window of its record. `start` and `end` are milliseconds since the epoch. `end` belongs to
 * sliding and session windows, but not to tumbling and hopping windows.
 *
 * @example
 * ```ts
 * counts.toStream().forEach((count, { key, start }) => console.log(key, new Date(start), count))
 * ```
 * Serdes of windowed keys take nothing else: an object `{ key, start, end }` does not compile.
 *
 * Stands for Kafka Streams' `Windowed`.
 */
export class Windowed<K> {
  readonly key: K
  readonly start: number
  readonly end: number
  /** No such property exists at run time. It tells keys made by `new Windowed(…)` from objects that look like one. */
  declare private readonly madeByNew: true

  constructor(key: K, start: number, end: number) {
    this.key = key
    this.start = start
    this.end = end
  }

  /** Returns the key as Kafka Streams prints it: `[key@start/end]`. */
  toString(): string {
    return `[${String(this.key)}@${this.start}/${this.end}]`
  }
}
