import type { Headers } from './headers.ts'

/** An input record as it was read. */
export interface RawInput {
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}
