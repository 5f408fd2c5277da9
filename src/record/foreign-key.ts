/*
 * What the two sides of a foreign-key join tell each other, through internal topics that hold the same bytes as Kafka Streams'
 * (KIP-213; instructions as of Kafka 4.3).
 */

/** What the right side is to do with a subscription. The numbers are those on the wire. */
export const SubscriptionInstruction = {
  /** Forget the subscription, answer nothing. */
  forget: 0,
  /** Forget the subscription and answer that there is nothing to join with. */
  forgetAndAnswer: 1,
  /** Keep the subscription and answer, also if there is nothing to join with. */
  answer: 2,
  /** Keep the subscription and answer if there is something to join with. */
  answerIfPresent: 3,
} as const

export type SubscriptionInstruction = (typeof SubscriptionInstruction)[keyof typeof SubscriptionInstruction]

/** From left to right, sent under the foreign key: a left row refers (or no longer refers) to a right one. */
export class SubscriptionMessage<K> {
  /** 128-bit hash of the left value's bytes, by which the left side tells stale answers; null if the row was deleted. */
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

/** From right to left, sent under the primary key: the right value that a left row refers to now. */
export class ResponseMessage<V> {
  /** The hash of the subscription it answers. */
  readonly hash: Buffer | null
  /** Null: there is no such row. */
  readonly value: V | null
  /** Where to send it; not part of the bytes, null once read back. */
  readonly partition: number | null

  constructor(hash: Buffer | null, value: V | null, partition: number | null) {
    this.hash = hash
    this.value = value
    this.partition = partition
  }
}
