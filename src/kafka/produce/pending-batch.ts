import type { BatchOrigins } from './batch-origins.ts'
import type { ProducerIdentity } from './producer-session.ts'

/** A closed batch on its way to the broker. */
export interface PendingBatch {
  readonly buffer: Buffer
  readonly count: number
  /** Bytes before compression, which count in the producer's memory bound. */
  readonly bytes: number
  /** Time (ms) at which its first record was appended. */
  readonly since: number
  /** Number of flushes that were asked for before its first record was appended. */
  readonly generation: number
  readonly origins: BatchOrigins
  /** Identity and first sequence number that it was stamped with. It keeps both when it is sent again. */
  identity: ProducerIdentity | undefined
  sequence: number
}
