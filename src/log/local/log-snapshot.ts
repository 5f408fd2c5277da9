/** A topic, and the ends of its partitions. */
export interface TopicEnds {
  readonly name: string
  /** Its number in the log: a topic of the same name with another number is another topic. */
  readonly number: number
  /** The end of each partition. */
  readonly ends: readonly number[]
  readonly configs: Readonly<Record<string, string>>
}

/** What a log has, without its records. */
export interface LogContent {
  /** Id of the log. */
  readonly id: string
  readonly topics: readonly TopicEnds[]
  /** Ids of groups with committed offsets. */
  readonly groups: readonly string[]
}

/** A log as it was at one moment, to be read in pages while it is written to. */
export interface LogSnapshot {
  readonly content: LogContent
  /**
   * Returns the next rows of the storage as bytes, about `bytes` of them: for each `length of key u32 | length of value
   * u32 | key | value`, big-endian. Undefined when all have been returned.
   *
   * @throws SnapshotLost if the log was closed
   */
  read(bytes: number): readonly Buffer[] | undefined
  close(): void
}

/** The process that had the log open ended, or gave it away, before a snapshot had been read. */
export class SnapshotLost extends Error {}
