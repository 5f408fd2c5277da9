/**
 * Turns values of one type into bytes and back. `null` never reaches a serde: a null key or value is a null on the
 * wire.
 *
 * A serde needs only `serialize` and `deserialize`. The optional members let a serde take part in the fast paths; each
 * must have exactly the results of that pair.
 *
 * Stands for Kafka's `Serde`. Foreign-key joins and ordered stores need equal values to have equal bytes.
 *
 * @example
 * ```ts
 * const date: Serde<Date> = {
 *   name: 'date',
 *   serialize: (value) => Buffer.from(value.toISOString()),
 *   deserialize: (bytes) => new Date(Buffer.from(bytes).toString()),
 * }
 * ```
 */
export interface Serde<T> {
  /** The name in error messages and descriptions: `string`, `json`, … */
  readonly name: string
  /** @throws any error; a `TypeError` means that the value is not of the serde's type, and is always fatal */
  serialize(value: T): Uint8Array
  /**
   * Reads a value. The bytes may be a view of a larger buffer: keep a copy, not the view.
   *
   * @throws any error if the bytes are not a value of this type
   */
  deserialize(bytes: Uint8Array): T

  /** Does the same as `deserialize(buffer.subarray(start, end))`, without making the view. */
  read?(buffer: Buffer, start: number, end: number): T
  /**
   * Writes the value at `offset` and returns the offset after it. Returns -1 if `buffer` is too small: the caller then
   * grows the buffer and calls again, and ignores what was written.
   */
  write?(value: T, buffer: Buffer, offset: number): number
  /**
   * True if values are primitives (string, number, bigint, boolean) and two of them are the same value exactly when
   * their bytes are equal. Such values are looked up themselves, and need no copy where others must not share an
   * object.
   */
  readonly primitive?: boolean
  /**
   * Copies a value as writing and reading it would, without the bytes. A store keeps such a copy of every value that is
   * put, so that the value is the same whether it is read from memory, from disk or from the changelog, and whatever
   * happens to the object that was put. Without `copy` a store writes the value, reads it back, and refuses it if the
   * two differ. A serde for values that nobody changes, and that always come back the same, saves this by `copy:
   * (value) => value`.
   *
   * @throws MR_SERDE_ROUND_TRIP, or any other error, if something of the value would be lost
   */
  copy?(value: T): T
  /**
   * Copies a value that `read`, `deserialize` or `copy` returned: nothing of it can be lost, so nothing has to be
   * checked. Functions of the user see rows of a store as such copies.
   */
  clone?(value: T): T
  /** The serde for stores and internal topics, whose values are validated and transformed already. Default: itself */
  readonly internal?: Serde<T>
  /** Bytes at the end of a key that do not count for the partition: a windowed key goes where its inner key goes. */
  readonly partitionSuffix?: number
}

/** The type of a serde's values. */
export type SerdeType<S> = S extends Serde<infer T> ? T : never
