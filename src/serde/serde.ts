/**
 * Turns values of one type into bytes and back. `null` never reaches a serde: a null key or value is a null on the wire.
 *
 * `serialize` and `deserialize` are all a serde needs. The optional members let a serde take part in the fast paths; each
 * must answer exactly as the plain pair would.
 *
 * Kafka's `Serde`. Foreign-key joins and ordered stores need equal values to have equal bytes.
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
  /** What error messages and descriptions call it: `string`, `json`, … */
  readonly name: string
  /** @throws any error; a `TypeError` means that the value is not of the serde's type and is always fatal. */
  serialize(value: T): Uint8Array
  /** @throws any error if the bytes are not a value of this type. The bytes may be a view of a larger buffer: keep a copy, not the view. */
  deserialize(bytes: Uint8Array): T

  /** As `deserialize(buffer.subarray(start, end))`, without making the view. */
  read?(buffer: Buffer, start: number, end: number): T
  /**
   * Writes the value at `offset` and returns the offset behind it, or returns -1, having changed nothing that matters, if
   * `buffer` is too small; the caller then grows the buffer and asks again.
   */
  write?(value: T, buffer: Buffer, offset: number): number
  /**
   * True if values are primitives (string, number, bigint, boolean) and two of them are the same value exactly when their
   * bytes are equal. Such values are looked up as they are and need no copy where others must not share an object.
   */
  readonly primitive?: boolean
  /**
   * What reading gives of what is written of a value, without the bytes. A store keeps such a copy of every value that is put, so that
   * it is the same whether it is read from memory, from disk or from the changelog, and whatever becomes of the object that was put.
   * Without `copy` a store writes the value, reads it back, and refuses it if that differs. A serde of values that nobody changes, and that
   * always come back as they were, saves this by `copy: (value) => value`.
   *
   * @throws MR_SERDE_ROUND_TRIP, or any other error, if something of the value would be lost
   */
  copy?(value: T): T
  /**
   * As `copy`, of a value that `read`, `deserialize` or `copy` returned: nothing of it can be lost, so nothing has to be looked for.
   * Rows of a store are shown to functions of the user as such copies.
   */
  clone?(value: T): T
  /**
   * The serde for stores and internal topics, where values are already what the program works with: no validation, no
   * transformation. Absent: the serde itself.
   */
  readonly internal?: Serde<T>
  /** Bytes at the end of a serialized key that do not count for the partition: a windowed key goes where its inner key goes. */
  readonly partitionSuffix?: number
}

/** The type of value a serde is for. */
export type SerdeType<S> = S extends Serde<infer T> ? T : never
