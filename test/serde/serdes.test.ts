import * as fc from 'fast-check'
import { z } from 'zod'
import { bytes } from '../../src/serde/bytes.ts'
import { float64 } from '../../src/serde/float64.ts'
import { int32 } from '../../src/serde/int32.ts'
import { int64 } from '../../src/serde/int64.ts'
import { json } from '../../src/serde/json.ts'
import { long } from '../../src/serde/long.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { sessionWindowed } from '../../src/serde/session-windowed.ts'
import { string } from '../../src/serde/string.ts'
import { uuid } from '../../src/serde/uuid.ts'
import { windowed } from '../../src/serde/windowed.ts'
import { Windowed } from '../../src/windowing/windowed-key.ts'
import { serdeConformance } from './conformance.ts'

const text = fc.string({ unit: 'binary' })
const time = fc.nat(2_000_000_000_000)

serdeConformance(string(), { values: text, wrongTypes: [1, null, undefined, {}, Buffer.alloc(1)], badBytes: [] })
serdeConformance(int32(), {
  values: fc.integer(),
  wrongTypes: ['1', 1.5, Number.NaN, 1n, null],
  badBytes: ['', '000000', '0000000000'],
})
serdeConformance(long(), {
  values: fc.maxSafeInteger(),
  wrongTypes: ['1', 1.5, Number.NaN, 1n, null],
  badBytes: ['', '00000000', '000000000000000000', '7fffffffffffffff', '0020000000000000', 'ffdfffffffffffff'],
})
serdeConformance(int64(), {
  values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  wrongTypes: ['1', 1, null],
  badBytes: ['', '00000000', '000000000000000000'],
})
serdeConformance(float64(), {
  values: fc.double().map((value) => value + 0),
  wrongTypes: ['1', 1n, null, undefined],
  badBytes: ['', '00000000', '000000000000000000'],
})
serdeConformance(bytes(), {
  values: fc.uint8Array().map((value) => Buffer.from(value)),
  wrongTypes: ['1', 1, null, [1, 2]],
  badBytes: [],
})
serdeConformance(uuid(), {
  values: fc.uuid(),
  wrongTypes: [1, null, {}],
  badBytes: ['', Buffer.from('not-a-uuid').toString('hex'), Buffer.from('x'.repeat(36)).toString('hex')],
})

const unserializable = [undefined, () => 1, Symbol('x'), 1n, { amount: 1n }]
const badJson = ['', Buffer.from('{"a":').toString('hex'), Buffer.from('hello').toString('hex')]
// JSON has no negative zero: it comes back as zero.
const jsonValues = fc.jsonValue({ noUnicodeString: false }).filter((value) => value !== null)
const withoutNegativeZero = jsonValues.map((value): unknown => JSON.parse(JSON.stringify(value)))

serdeConformance<unknown>(json(), {
  values: withoutNegativeZero,
  wrongTypes: unserializable,
  badBytes: badJson,
})
serdeConformance(json(z.object({ from: z.string(), cents: z.int() })), {
  values: fc.record({ from: text, cents: fc.integer() }, { noNullPrototype: true }),
  wrongTypes: unserializable,
  badBytes: [...badJson, Buffer.from('{"from":"a"}').toString('hex'), Buffer.from('null').toString('hex')],
})

const plainText: Serde<string> = {
  name: 'string without fast paths',
  serialize: (value) => string().serialize(value),
  deserialize: (data) => string().deserialize(data),
}

for (const inner of [string(), plainText]) {
  serdeConformance(windowed(inner, '10s'), {
    values: fc.tuple(text, time).map(([key, start]) => new Windowed(key, start, start + 10_000)),
    wrongTypes: ['a', { key: 'a', start: 0, end: 1 }, null],
    badBytes: ['', '00000000000000', '617fffffffffffffff'],
  })
  serdeConformance(sessionWindowed(inner), {
    values: fc.tuple(text, time, time).map(([key, start, length]) => new Windowed(key, start, start + length)),
    wrongTypes: ['a', { key: 'a', start: 0, end: 1 }, null],
    badBytes: ['', '000000000000000000000000000000'],
  })
}
serdeConformance(windowed(int32(), 5), {
  values: fc.tuple(fc.integer(), time).map(([key, start]) => new Windowed(key, start, start + 5)),
  wrongTypes: [1, new Windowed('not a number', 0, 5)],
  badBytes: ['0000000000000000', '0000000000000000000000'],
})
