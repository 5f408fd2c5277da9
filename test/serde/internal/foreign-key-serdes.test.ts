import { describe, expect, test } from 'vitest'
import { ResponseMessage, SubscriptionMessage } from '../../../src/record/foreign-key.ts'
import { string } from '../../../src/serde/serdes.ts'
import { responseSerde, subscriptionSerde } from '../../../src/serde/internal/foreign-key-serdes.ts'

const hash = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const malformed = expect.objectContaining({ code: 'MR_DESERIALIZE' })

describe('subscriptions have the bytes of Kafka Streams', () => {
  const serde = subscriptionSerde(string())

  test.each([
    [new SubscriptionMessage(hash, 3, 'pk', 7), `0103${hash.toString('hex')}706b00000007`],
    [new SubscriptionMessage(null, 0, 'pk', 0), '8100706b00000000'],
    [new SubscriptionMessage(hash, 2, 'pk', null), `0002${hash.toString('hex')}706b`],
    [new SubscriptionMessage(null, 1, '', null), '8001'],
  ])('%o', (message, bytes) => {
    expect(Buffer.from(serde.serialize(message)).toString('hex')).toBe(bytes)
    expect(serde.deserialize(Buffer.from(bytes, 'hex'))).toEqual(message)
  })

  test.each(['', '81', '8104706b00000000', '8200', '0103001122'])('others are refused: %s', (bytes) => {
    expect(() => serde.deserialize(Buffer.from(bytes, 'hex'))).toThrow(malformed)
  })
})

describe('responses have the bytes of Kafka Streams', () => {
  const serde = responseSerde(string())

  test.each([
    [new ResponseMessage(hash, 'v', null), `00${hash.toString('hex')}76`],
    [new ResponseMessage<string>(hash, null, null), '00' + hash.toString('hex')],
    [new ResponseMessage<string>(null, null, null), '80'],
  ])('%o', (message, bytes) => {
    expect(Buffer.from(serde.serialize(message)).toString('hex')).toBe(bytes)
    expect(serde.deserialize(Buffer.from(bytes, 'hex'))).toEqual(message)
  })

  test('the partition it goes to is not part of it', () => {
    expect(Buffer.from(serde.serialize(new ResponseMessage(null, 'v', 5))).toString('hex')).toBe('8076')
  })

  test.each(['', '01', '000011'])('others are refused: %s', (bytes) => {
    expect(() => serde.deserialize(Buffer.from(bytes, 'hex'))).toThrow(malformed)
  })
})
