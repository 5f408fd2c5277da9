import type { DropReason } from '../record/drop-reason.ts'
import type { RecordContext } from '../record/record-context.ts'
import type { KeyValueEngine } from '../engine/engine.ts'
import type { ByteWriter } from './rows/byte-writer.ts'
import type { RowKeys } from './rows/row-keys.ts'

/** What the task gives its state. */
export interface StateEnvironment {
  /** Names the task in errors. */
  readonly task: string
  /** The input record being processed. It changes while caches and buffers emit, and is set back afterwards. */
  readonly record: RecordContext
  /** Counts the current record as dropped by this store. */
  drop(reason: DropReason, store: string): void
  /** Where the stores of this name count what they do. Absent: nobody reads it. */
  readonly counts?: (store: string) => StoreCounts
  /** Bound of the bytes that caches hold back; 0: they hold nothing back. */
  readonly cacheBytes: number
  /** The bytes that caches hold back, where several tasks share the bound. Absent: the task counts its own. */
  readonly held?: ByteBudget
  /** Bound of the bytes of entries kept deserialized although the engine has them. Default 32 MiB. */
  readonly residentBytes?: number
  /** True: results are those of Kafka Streams 4.3 where the default differs. */
  readonly compatible: boolean
}

/** What the stores of one name have done, over all tasks of a thread. */
export interface StoreCounts {
  /** Look-ups of a key by operators. */
  reads: number
  /** Keys and intervals that an engine was asked for, because memory did not have them. */
  engineReads: number
  /** Puts and deletes by operators. */
  puts: number
  /** Rows logged at commits, or that would have been if there were a changelog. */
  writes: number
}

export function noCounts(): StoreCounts {
  return { reads: 0, engineReads: 0, puts: 0, writes: 0 }
}

/** A sum over the stores of one task, or of several. */
export interface ByteBudget {
  bytes: number
}

/** What a store is built on: its task's environment, and its place in one of the task's engines. */
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
  /** Holds keys and values that are used at once. */
  readonly scratch: ByteWriter
  /** Keys of rows that are looked up together. */
  readonly rowKeys: RowKeys
  /** Bytes held back by caches. */
  readonly held: ByteBudget
  /** Bytes of all entries over the engines. */
  readonly resident: ByteBudget
}

export const PREFIX_LENGTH = 2
