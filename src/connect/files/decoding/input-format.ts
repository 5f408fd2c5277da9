import type { Block } from '../reading/block.ts'

/** What is in the bytes of a record: text, a value of JSON, a row. */
export interface InputFormat {
  /** Called with each block before its records are read. */
  prepare(block: Block): void
  /**
   * Returns what is in a record; `NOTHING` if it is to be passed over, as a blank line in JSON is.
   *
   * @throws InputError if the bytes are not what they should be
   */
  read(block: Block, index: number): unknown
}

/** A record that is to be passed over. */
export const NOTHING: unique symbol = Symbol('nothing')

/** Bytes that are not what they should be. */
export class InputError extends Error {
  readonly hint: string

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.hint = hint
  }
}
