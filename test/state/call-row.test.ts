import { expect, test } from 'vitest'
import { readCallRow, writeCallRow } from '../../src/state/calls/call-row.ts'
import { ByteWriter } from '../../src/state/rows/byte-writer.ts'
import { Headers } from '../../src/record/headers.ts'

test('the row of a call gives back everything that its record is called with and processed as', () => {
  const row = {
    sequence: 7,
    timestamp: 1_700_000_000_000,
    streamTime: 1_700_000_000_001,
    topic: 'payments',
    partition: 3,
    offset: 2 ** 40,
    ordinal: '0/first/2',
    headers: new Headers([
      { name: 'trace', value: Buffer.from('x') },
      { name: 'none', value: null },
    ]),
    key: Buffer.from('ada'),
    value: null,
  }
  const writer = new ByteWriter()
  writeCallRow(writer.rewind(), row)
  const bytes = writer.buffer.subarray(0, writer.position)
  const { headers, ...read } = readCallRow(bytes)
  const { headers: given, ...rest } = row
  expect(read).toEqual(rest)
  expect([...headers]).toEqual([...given])
  expect(() => readCallRow(bytes.subarray(0, -10))).toThrow(RangeError)
})
