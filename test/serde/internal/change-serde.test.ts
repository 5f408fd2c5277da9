import { describe, expect, test } from 'vitest'
import { Change } from '../../../src/record/change.ts'
import { string } from '../../../src/serde/serdes.ts'
import { changeSerde } from '../../../src/serde/internal/change-serde.ts'

const serde = changeSerde(string())
const hex = (change: Change<string>): string => Buffer.from(serde.serialize(change)).toString('hex')

describe('changes of a grouped table are written in the bytes of Kafka Streams', () => {
  test('an old value alone ends in 0', () => {
    expect(hex(new Change<string>(null, 'ab'))).toBe('616200')
  })

  test('a new value alone ends in 1', () => {
    expect(hex(new Change<string>('ab', null))).toBe('616201')
  })

  test('both: zigzag length of the new value, new, old, 2', () => {
    expect(hex(new Change<string>('abc', 'd'))).toBe('066162636402')
  })

  test('a length of more than 63 bytes takes a second byte', () => {
    expect(hex(new Change<string>('x'.repeat(64), 'y'))).toBe(`8001${'78'.repeat(64)}7902`)
  })

  test('neither value is an error', () => {
    expect(() => serde.serialize(new Change<string>(null, null))).toThrow(
      expect.objectContaining({ code: 'MR_SERIALIZE' }),
    )
  })
})

describe('changes are read back', () => {
  test.each([new Change('a', null), new Change(null, 'b'), new Change('', 'b'), new Change('x'.repeat(20_000), '')])(
    'as they were written: %o',
    (change) => {
      const bytes = Buffer.from(serde.serialize(change))
      expect(serde.deserialize(bytes)).toEqual(change)
      const padded = Buffer.concat([Buffer.from('zz'), bytes, Buffer.from('zz')])
      expect(serde.read?.(padded, 2, 2 + bytes.length)).toEqual(change)
    },
  )

  test.each([
    ['61620003', new Change(null, 'ab', false)],
    ['61620104', new Change('ab', null, true)],
    ['06616263640005', new Change('abc', 'd', false)],
  ])('in the forms that carry isLatest: %s', (bytes, change) => {
    expect(serde.deserialize(Buffer.from(bytes, 'hex'))).toEqual(change)
  })

  test.each(['', '06', '6106', '03', '610203', 'ff02', '0a6102', '80808080808002'])(
    'not from other bytes: %s',
    (bytes) => {
      expect(() => serde.deserialize(Buffer.from(bytes, 'hex'))).toThrow(
        expect.objectContaining({ code: 'MR_DESERIALIZE' }),
      )
    },
  )
})
