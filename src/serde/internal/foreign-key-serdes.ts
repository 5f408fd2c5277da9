import { MillraceError } from '../../errors/millrace-error.ts'
import { ResponseMessage, SubscriptionInstruction, SubscriptionMessage } from '../../record/foreign-key.ts'
import { asBuffer } from '../byte-view.ts'
import { readInner, serialized } from '../call-serde.ts'
import type { Serde } from '../serde.ts'

/** The bit of the version byte that is set if there is no hash. */
const NO_HASH = 0x80
const HASH_BYTES = 16
const PARTITION_BYTES = 4
const SUBSCRIPTION_VERSION = 1
const RESPONSE_VERSION = 0

const INSTRUCTIONS: readonly SubscriptionInstruction[] = [
  SubscriptionInstruction.forget,
  SubscriptionInstruction.forgetAndAnswer,
  SubscriptionInstruction.answer,
  SubscriptionInstruction.answerIfPresent,
]

/**
 * Makes a serde for subscriptions of a foreign-key join, in Kafka Streams' bytes: `version (| 0x80 if there is no
 * hash), instruction, [hash 16], primary key, partition 4`. Version 0 lacks the partition: it is read, and written for
 * messages that have none.
 */
export function subscriptionSerde<K>(primaryKeySerde: Serde<K>): Serde<SubscriptionMessage<K>> {
  const key = primaryKeySerde.internal ?? primaryKeySerde
  return {
    name: `subscription of ${primaryKeySerde.name}`,
    serialize({ hash, instruction, primaryKey, partition }) {
      const keyBytes = serialized(key, primaryKey)
      const keyStart = 2 + (hash === null ? 0 : HASH_BYTES)
      const keyEnd = keyStart + keyBytes.length
      const result = Buffer.allocUnsafe(keyEnd + (partition === null ? 0 : PARTITION_BYTES))
      result[0] = (partition === null ? 0 : SUBSCRIPTION_VERSION) | (hash === null ? NO_HASH : 0)
      result[1] = instruction
      if (hash !== null) result.set(hash, 2)
      result.set(keyBytes, keyStart)
      if (partition !== null) result.writeInt32BE(partition, keyEnd)
      return result
    },
    deserialize(bytes) {
      const buffer = asBuffer(bytes)
      const version = readVersion(buffer, SUBSCRIPTION_VERSION, 'subscription')
      const hash = readHash(buffer, 2)
      const keyStart = 2 + (hash === null ? 0 : HASH_BYTES)
      const keyEnd = version === 0 ? buffer.length : buffer.length - PARTITION_BYTES
      const instruction = INSTRUCTIONS[buffer[1] ?? -1]
      if (keyEnd < keyStart || instruction === undefined) throw malformed('subscription', `its ${buffer.length} bytes`)
      const primaryKey = readInner(key, buffer, keyStart, keyEnd)
      return new SubscriptionMessage(hash, instruction, primaryKey, version === 0 ? null : buffer.readInt32BE(keyEnd))
    },
    // Nobody changes a message, and its key is bytes only.
    copy: (message) => message,
  }
}

/**
 * Makes a serde for answers to subscriptions, in Kafka Streams' bytes: `version 0 (| 0x80 if there is no hash), [hash
 * 16], value`. An empty value means that there is none.
 */
export function responseSerde<V>(valueSerde: Serde<V>): Serde<ResponseMessage<V>> {
  const inner = valueSerde.internal ?? valueSerde
  return {
    name: `response of ${valueSerde.name}`,
    serialize({ hash, value }) {
      const valueBytes = value === null ? null : serialized(inner, value)
      const valueStart = 1 + (hash === null ? 0 : HASH_BYTES)
      const result = Buffer.allocUnsafe(valueStart + (valueBytes === null ? 0 : valueBytes.length))
      result[0] = RESPONSE_VERSION | (hash === null ? NO_HASH : 0)
      if (hash !== null) result.set(hash, 1)
      if (valueBytes !== null) result.set(valueBytes, valueStart)
      return result
    },
    deserialize(bytes) {
      const buffer = asBuffer(bytes)
      readVersion(buffer, RESPONSE_VERSION, 'response')
      const hash = readHash(buffer, 1)
      const valueStart = 1 + (hash === null ? 0 : HASH_BYTES)
      if (buffer.length < valueStart) throw malformed('response', `its ${buffer.length} bytes`)
      const value = buffer.length > valueStart ? readInner(inner, buffer, valueStart, buffer.length) : null
      return new ResponseMessage(hash, value, null)
    },
  }
}

function readVersion(buffer: Buffer, newest: number, what: string): number {
  const version = (buffer[0] ?? 0x7f) & 0x7f
  if (version > newest) throw malformed(what, `version ${version}`)
  return version
}

function readHash(buffer: Buffer, at: number): Buffer | null {
  if (((buffer[0] ?? 0) & NO_HASH) !== 0) return null
  // The bytes are copied, since a view would keep a larger buffer alive.
  return Buffer.from(buffer.subarray(at, at + HASH_BYTES))
}

function malformed(what: string, why: string): MillraceError {
  return new MillraceError('MR_DESERIALIZE', `not a ${what} of a foreign-key join: ${why}`, {
    hint: 'Find out whether a newer version, or something else, wrote to the internal topics of the join.',
  })
}
