/** Why a record was dropped. All but `repartition-null-key` count in Kafka Streams' `dropped-records-total`. */
export type DropReason =
  | 'null-key'
  | 'null-value'
  | 'null-foreign-key'
  | 'late'
  /** The record is late only because stream time advanced while the partitions were idle. */
  | 'late-after-idle'
  | 'expired'
  | 'out-of-order-version'
  | 'stale-response'
  | 'deserialization'
  | 'processing'
  | 'production'
  | 'negative-timestamp'
  | 'no-partition'
  | 'repartition-null-key'
