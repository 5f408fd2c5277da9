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
   * Asked by stores about every value that is put. True: reading what is written of the value gives the same value, in all that a
   * program can see of it; then the store may keep the value itself in memory, and write it once a commit. False: the store keeps the
   * bytes, and what is read of them. Without `survives` a store does as if it were false, and compares what it reads back with what
   * was put: a serde that is exact saves all that by `survives: () => true`.
   *
   * @param closely true when the value is about to be written: look also for what takes too long to look for at every put
   * @throws MR_SERDE_ROUND_TRIP, or any other error, if something of the value would be lost
   */
  survives?(value: T, closely: boolean): boolean
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
