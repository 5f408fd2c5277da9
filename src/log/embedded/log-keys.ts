import type { CommittedOffset } from '../log.ts'

/**
 * The keys of an embedded log in its engine. The first letter is the kind of row: `m` the log itself · `n` the highest
 * number of a deleted topic · `t<topic>` a topic · `p<topic number><partition>` a partition's bounds ·
 * `o<group><topic><partition>` a committed offset · `r<topic number><partition><base offset>` a run of records.
 */
export const LOG_KEY = Buffer.from('m')

export const DELETED_TOPIC_KEY = Buffer.from('n')

export function topicKey(name: string): Buffer {
  return Buffer.from(`t${name}`)
}

export function topicOf(key: Buffer): string {
  return key.toString('utf8', 1)
}

export function partitionKey(topicNumber: number, partition: number): Buffer {
  return withPartition('p', topicNumber, partition, 9)
}

export function runKey(topicNumber: number, partition: number, base: number): Buffer {
  const key = withPartition('r', topicNumber, partition, 17)
  key.writeUInt32BE(Math.floor(base / 0x1_0000_0000), 9)
  key.writeUInt32BE(base >>> 0, 13)
  return key
}

export function baseOf(key: Buffer): number {
  return key.readUInt32BE(9) * 0x1_0000_0000 + key.readUInt32BE(13)
}

/** Returns the first key after those that start with `letter`. */
export function endOf(letter: string): Buffer {
  return Buffer.from([letter.charCodeAt(0) + 1])
}

export function offsetKey(groupId: string, topic: string, partition: number): Buffer {
  const [group, name] = [Buffer.from(groupId), Buffer.from(topic)]
  const key = Buffer.allocUnsafe(1 + 2 + group.length + 2 + name.length + 4)
  let at = key.write('o', 0, 'latin1')
  at = key.writeUInt16BE(group.length, at)
  at += group.copy(key, at)
  at = key.writeUInt16BE(name.length, at)
  at += name.copy(key, at)
  key.writeUInt32BE(partition, at)
  return key
}

export function decodeOffsetKey(key: Buffer): {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
} {
  const groupEnd = 3 + key.readUInt16BE(1)
  const topicEnd = groupEnd + 2 + key.readUInt16BE(groupEnd)
  return {
    groupId: key.toString('utf8', 3, groupEnd),
    topic: key.toString('utf8', groupEnd + 2, topicEnd),
    partition: key.readUInt32BE(topicEnd),
  }
}

export function encodeOffset(committed: CommittedOffset): Buffer {
  const bytes = Buffer.allocUnsafe(8 + Buffer.byteLength(committed.metadata))
  bytes.writeDoubleBE(committed.offset, 0)
  bytes.write(committed.metadata, 8)
  return bytes
}

export function decodeOffset(bytes: Buffer): CommittedOffset {
  return { offset: bytes.readDoubleBE(0), metadata: bytes.toString('utf8', 8) }
}

function withPartition(letter: string, topicNumber: number, partition: number, length: number): Buffer {
  const key = Buffer.allocUnsafe(length)
  key.write(letter, 0, 'latin1')
  key.writeUInt32BE(topicNumber, 1)
  key.writeUInt32BE(partition, 5)
  return key
}
