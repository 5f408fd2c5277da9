import type { BatchOrigins } from './batch-origins.ts'
import type { ProducerIdentity } from './producer-session.ts'

/** A closed batch on its way to the broker. */
export interface PendingBatch {
  readonly buffer: Buffer
  readonly count: number
  /** What it counts for in the producer's memory bound: its bytes before compression. */
  readonly bytes: number
  /** When its first record was appended, in ms. */
  readonly since: number
  /** How many flushes were asked for before its first record was appended. */
  readonly generation: number
  readonly origins: BatchOrigins
  /** As whom it was stamped and from which sequence number on; it keeps both when it is sent again. */
  identity: ProducerIdentity | undefined
  sequence: number
}
