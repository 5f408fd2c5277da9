import type { TopicPartition } from '../../../log/log.ts'

/**
 * The protocol type of Kafka's consumers. Our data is in their envelopes (ConsumerProtocolSubscription and
 * ConsumerProtocolAssignment, version 0). Kafka's tools show these. From them the coordinator learns which topics the
 * group reads, whose offsets it keeps.
 */
export const protocolType = 'consumer'

const version = 0

export function encodeSubscription(topics: readonly string[], userData: Buffer): Buffer {
  return Buffer.concat([int16(version), int32(topics.length), ...topics.map(string), int32(userData.length), userData])
}

export function encodeAssignment(partitions: readonly TopicPartition[], userData: Buffer): Buffer {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  const parts = [int16(version), int32(topics.size)]
  for (const [topic, list] of topics) {
    parts.push(string(topic), int32(list.length), ...list.map(({ partition }) => int32(partition)))
  }
  return Buffer.concat([...parts, int32(userData.length), userData])
}

/** @throws RangeError if the bytes are no subscription */
export function subscriptionUserData(bytes: Buffer): Buffer {
  const reader = new EnvelopeReader(bytes)
  reader.int16()
  reader.array(() => reader.string())
  return reader.bytes()
}

/** Returns the partitions that any consumer was assigned. @throws RangeError if the bytes are no assignment */
export function assignedPartitions(bytes: Buffer): TopicPartition[] {
  const reader = new EnvelopeReader(bytes)
  reader.int16()
  return reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => ({ topic, partition: reader.int32() }))
    })
    .flat()
}

/** @throws RangeError if the bytes are no assignment */
export function assignmentUserData(bytes: Buffer): Buffer {
  const reader = new EnvelopeReader(bytes)
  reader.int16()
  reader.array(() => {
    reader.string()
    reader.array(() => reader.int32())
  })
  return reader.bytes()
}

class EnvelopeReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  int16(): number {
    this.#at += 2
    return this.#buffer.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#buffer.readInt32BE(this.#at - 4)
  }

  string(): string {
    return this.#take(this.int16()).toString('utf8')
  }

  bytes(): Buffer {
    return this.#take(Math.max(this.int32(), 0))
  }

  array<T>(read: () => T): T[] {
    const values: T[] = []
    for (let left = this.int32(); left > 0; left--) values.push(read())
    return values
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (length < 0 || end > this.#buffer.length) throw new RangeError(`${length} bytes do not fit at ${this.#at}`)
    const bytes = this.#buffer.subarray(this.#at, end)
    this.#at = end
    return bytes
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}
