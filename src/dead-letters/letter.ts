import type { Headers } from '../record/headers.ts'

/** Key or value of a dead letter. */
export interface DeadLetterPart {
  /** As the application read them; null if the record had none. */
  readonly bytes: Buffer | null
  /** As the serde of the input topic reads them; `undefined` if it cannot, null if there are no bytes. */
  readonly value: unknown
  /** Why there is no value; `undefined` if there is one. */
  readonly error: string | undefined
}

/** Place of the record that a dead letter was written for. */
export interface DeadLetterOrigin {
  /** Null for what a punctuator did: it had no input record. */
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  /** Timestamp of the record, ms since the epoch. */
  readonly timestamp: number
}

/** A record that an application put aside (KIP-1034). */
export interface DeadLetter {
  readonly kind: 'dead-letter'
  /** Topic, partition and offset of the dead letter itself: `rejected-0-17`. */
  readonly id: string
  readonly origin: DeadLetterOrigin
  /** Code of the error, such as `MR_DESERIALIZE`; `undefined` if the writer was not Millrace, or an older one. */
  readonly code: string | undefined
  /** The operator that failed, and its task; `undefined` as `code`. */
  readonly node: string | undefined
  readonly task: string | undefined
  /** Class of the error, its message and its stack. */
  readonly exception: string
  readonly message: string
  readonly stack: string
  /** Headers of the input record. */
  readonly headers: Headers
  readonly key: DeadLetterPart
  readonly value: DeadLetterPart
  /** Whether it has been replayed; `undefined` if that was not asked for. */
  readonly replayed: boolean | undefined
}

/** A record in a dead letter topic that is no dead letter, or one of which headers are missing. */
export interface NoDeadLetter {
  readonly kind: 'other'
  /** Topic, partition and offset. */
  readonly id: string
  /** Why it is no dead letter. */
  readonly reason: string
  /** ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}
