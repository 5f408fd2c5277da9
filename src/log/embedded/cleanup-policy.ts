import type { EmbeddedPartition } from './embedded-partition.ts'

/** Kafka's `delete.retention.ms`: how long a tombstone can still be read after it was compacted first. */
const DEFAULT_TOMBSTONE_MS = 86_400_000
/** Less than this is not worth a compaction. */
const MIN_DIRTY_RECORDS = 10_000

export function isCompacted(partition: EmbeddedPartition): boolean {
  return policyOf(partition).includes('compact')
}

/** Milliseconds for which records are kept; `undefined`: for ever. */
export function retentionOf(partition: EmbeddedPartition): number | undefined {
  const retention = numberOf(partition, 'retention.ms', -1)
  return retention < 0 || !policyOf(partition).includes('delete') ? undefined : retention
}

export function tombstoneRetentionOf(partition: EmbeddedPartition): number {
  return numberOf(partition, 'delete.retention.ms', DEFAULT_TOMBSTONE_MS)
}

/** Records younger than this many milliseconds are not compacted. */
export function compactionLagOf(partition: EmbeddedPartition): number {
  return numberOf(partition, 'min.compaction.lag.ms', 0)
}

/** True when at least half of the partition has not been compacted (Kafka's `min.cleanable.dirty.ratio` of 0.5). */
export function needsCompaction(partition: EmbeddedPartition): boolean {
  const dirty = partition.lastRunBase - Math.max(partition.cleanedTo, partition.startOffset)
  return isCompacted(partition) && dirty >= Math.max(MIN_DIRTY_RECORDS, partition.cleanedRecords)
}

function policyOf(partition: EmbeddedPartition): string {
  return partition.configs['cleanup.policy'] ?? 'delete'
}

function numberOf(partition: EmbeddedPartition, name: string, otherwise: number): number {
  const value = partition.configs[name]
  return value === undefined ? otherwise : Number(value)
}
