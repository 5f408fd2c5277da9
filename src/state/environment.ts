import type { DropReason } from '../record/drop-reason.ts'
import type { RecordContext } from '../record/record-context.ts'
import type { KeyValueEngine } from '../engine/engine.ts'
import type { ByteWriter } from './rows/byte-writer.ts'
import type { RowKeys } from './rows/row-keys.ts'

/** What the task gives its state. */
export interface StateEnvironment {
  /** Names the task in errors. */
  readonly task: string
  /** The input record being processed; changes while caches are flushed and buffers are emptied, and is set back. */
  readonly record: RecordContext
  /** Counts the current record as dropped by this store. */
  drop(reason: DropReason, store: string): void
  /** Bound of the bytes that caches hold back; 0: nothing is held back. */
  readonly cacheBytes: number
  /** What caches hold back, where several tasks share that bound; the task's own if absent. */
  readonly held?: ByteBudget
  /** Bound of the bytes of entries kept deserialized although the engine has them. Default 32 MiB. */
  readonly residentBytes?: number
  /** Kafka Streams 4.3's answers where the default differs. */
  readonly compatible: boolean
}

/** A sum over the stores of one task, or of several. */
export interface ByteBudget {
  bytes: number
}

/** What a store is built over: its task's environment, and its place in one of the task's engines. */
export interface StatePlace {
  readonly environment: StateEnvironment
  readonly engine: KeyValueEngine
  /** Every row of the store starts with these two bytes. */
  readonly prefix: number
  /** Small facts that the store kept with its rows; null if it has none. */
  readonly kept: Buffer | null
  /** Key under which the store keeps them. */
  readonly keptKey: Buffer
  /** Rows of the commit; valid until the commit's batch is written. */
  readonly rows: ByteWriter
  /** For keys and values that are used at once. */
  readonly scratch: ByteWriter
  /** Keys of rows that are looked up together. */
  readonly rowKeys: RowKeys
  /** Bytes held back by caches. */
  readonly held: ByteBudget
  /** Bytes of all entries over the engines. */
  readonly resident: ByteBudget
}

export const PREFIX_LENGTH = 2
