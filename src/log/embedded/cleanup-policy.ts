/** Kafka's default of `delete.retention.ms`: how long a tombstone can still be read after its first compaction. */
const DEFAULT_TOMBSTONE_MS = 86_400_000
/** With fewer new records a compaction is not worth its cost. */
const MIN_DIRTY_RECORDS = 10_000

interface Configured {
  readonly configs: Readonly<Record<string, string>>
}

/** How far a partition has been compacted. */
interface Compactable extends Configured {
  readonly startOffset: number
  readonly cleanedTo: number
  readonly cleanedRecords: number
  /** Offset of the last run, which is not compacted. */
  readonly lastRunBase: number
}

export function isCompacted(partition: Configured): boolean {
  return policyOf(partition).includes('compact')
}

/** Returns the milliseconds and bytes for which records are kept; Infinity without a limit. */
export function retentionOf(partition: Configured): { readonly age: number; readonly bytes: number } {
  if (!policyOf(partition).includes('delete')) return KEPT_FOR_EVER
  return { age: limit(partition, 'retention.ms'), bytes: limit(partition, 'retention.bytes') }
}

const KEPT_FOR_EVER = { age: Infinity, bytes: Infinity }

function limit(partition: Configured, name: string): number {
  const value = numberOf(partition, name, -1)
  return value < 0 ? Infinity : value
}

export function tombstoneRetentionOf(partition: Configured): number {
  return numberOf(partition, 'delete.retention.ms', DEFAULT_TOMBSTONE_MS)
}

/** Returns the age in milliseconds below which records are not compacted. */
export function compactionLagOf(partition: Configured): number {
  return numberOf(partition, 'min.compaction.lag.ms', 0)
}

/** True if at least half of the partition has not been compacted (Kafka's `min.cleanable.dirty.ratio` of 0.5). */
export function needsCompaction(partition: Compactable): boolean {
  const dirty = partition.lastRunBase - Math.max(partition.cleanedTo, partition.startOffset)
  return isCompacted(partition) && dirty >= Math.max(MIN_DIRTY_RECORDS, partition.cleanedRecords)
}

function policyOf(partition: Configured): string {
  return partition.configs['cleanup.policy'] ?? 'delete'
}

function numberOf(partition: Configured, name: string, otherwise: number): number {
  const value = partition.configs[name]
  return value === undefined ? otherwise : Number(value)
}
