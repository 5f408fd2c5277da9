/*
 * Messages between the two sides of a foreign-key join. They travel through internal topics that hold the same bytes as
 * those of Kafka Streams (KIP-213; instructions as of Kafka 4.3).
 */

/** Instructions to the right side about a subscription. The numbers are those on the wire. */
export const SubscriptionInstruction = {
  /** Forget the subscription and do not answer. */
  forget: 0,
  /** Forget the subscription and answer that there is nothing to join with. */
  forgetAndAnswer: 1,
  /** Keep the subscription and answer, even if there is nothing to join with. */
  answer: 2,
  /** Keep the subscription and answer if there is something to join with. */
  answerIfPresent: 3,
} as const

export type SubscriptionInstruction = (typeof SubscriptionInstruction)[keyof typeof SubscriptionInstruction]

/** A message from left to right, sent under the foreign key: a left row refers (or no longer refers) to a right one. */
export class SubscriptionMessage<K> {
  /** 128-bit hash of the left value's bytes, by which the left side finds stale answers; null if the row is gone. */
  readonly hash: Buffer | null
  readonly instruction: SubscriptionInstruction
  readonly primaryKey: K
  /** Partition of the left table that the answer goes to; null in messages of Kafka Streams before 3.2. */
  readonly partition: number | null

  constructor(hash: Buffer | null, instruction: SubscriptionInstruction, primaryKey: K, partition: number | null) {
    this.hash = hash
    this.instruction = instruction
    this.primaryKey = primaryKey
    this.partition = partition
  }
}

/** A message from right to left, sent under the primary key: the right value that a left row refers to now. */
export class ResponseMessage<V> {
  /** The hash of the answered subscription. */
  readonly hash: Buffer | null
  /** Null: there is no such row. */
  readonly value: V | null
  /** The partition to send it to; it is not part of the bytes, so it is null in messages that were read. */
  readonly partition: number | null

  constructor(hash: Buffer | null, value: V | null, partition: number | null) {
    this.hash = hash
    this.value = value
    this.partition = partition
  }
}
