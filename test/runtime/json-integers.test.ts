import { expect, test } from 'vitest'
import {
  defineApp,
  json,
  string,
  topic,
  type JsonIntegers,
  type MillraceError,
  type ReadOnlyTimestampedKeyValueStore,
  type Serde,
} from '../../src/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

interface Payment {
  readonly userId: number
}

const raw = topic('out', { key: string(), value: string() })
const DATA = Buffer.from('{"userId":1688888483063664642}')

function payments(integers: JsonIntegers | undefined) {
  return topic('payments', {
    key: string(),
    value: integers === undefined ? json<Payment>() : json<Payment>({ integers }),
  })
}

/** Returns the output of a record that is passed on as it is, or through operators and a repartition topic. */
function through(integers: JsonIntegers | undefined, errors: MillraceError[], passedOn: boolean): (string | null)[] {
  const input = payments(integers)
  const value = input.valueSerde as Serde<Payment>
  const out = topic('out', { key: string(), value })
  const app = defineApp({
    id: 'payments',
    onDeserializationError: (error) => {
      errors.push(error)
      return 'continue'
    },
    build: (builder) => {
      const stream = builder.stream(input)
      if (passedOn) stream.to(out)
      else {
        stream
          .mapValues((payment) => ({ ...payment }))
          .repartition({ name: 'again', value })
          .to(out)
      }
    },
  })
  using driver = new TopologyTestDriver(app)
  driver.input(input).pipeBytes(Buffer.from('k'), DATA, { timestamp: 0 })
  return driver.output(raw).readValues()
}

test('an integer that a number cannot hold is refused or exact, whether its record is passed on or changed', () => {
  for (const passedOn of [true, false]) {
    const errors: MillraceError[] = []
    expect(through(undefined, errors, passedOn)).toEqual([])
    expect(errors).toMatchObject([{ code: 'MR_DESERIALIZE', topic: 'payments', partition: 0, offset: 0 }])
    expect(errors[0]?.message).toContain('$.userId: 1688888483063664642 would be read as 1688888483063664600')
    expect(errors[0]?.hint).toMatch(/json\(\{ integers: 'bigint' \}\).*onDeserializationError/)
    expect(through('bigint', [], passedOn)).toEqual(['{"userId":1688888483063664642}'])
    expect(through('string', [], passedOn)).toEqual(['{"userId":"1688888483063664642"}'])
    expect(through('round', [], passedOn)).toEqual(['{"userId":1688888483063664600}'])
  }
})

test('bigints of any size stay bigints in a store and its changelog; without the option they are refused', () => {
  interface Sum {
    readonly sum: bigint
    readonly n: number
  }
  const sums = (value: Serde<Sum>) =>
    defineApp({
      id: 'sums',
      build: (builder) => {
        builder
          .stream(payments('bigint'))
          .groupByKey()
          .aggregate(
            (): Sum => ({ sum: 0n, n: 0 }),
            ({ sum, n }, { userId }) => ({ sum: sum + BigInt(userId), n: n + 1 }),
            { store: { name: 'sums', caching: false }, value },
          )
      },
    })
  using driver = new TopologyTestDriver(sums(json<Sum>({ integers: 'bigint' })))
  const input = driver.input(payments('bigint'))
  input.pipeBytes(Buffer.from('k'), Buffer.from('{"userId":5}'), { timestamp: 0 })
  const store = driver.store<ReadOnlyTimestampedKeyValueStore<string, Sum>>('sums')
  expect(store.get('k')?.value).toStrictEqual({ sum: 5n, n: 1 })
  input.pipeBytes(Buffer.from('k'), DATA, { timestamp: 0 })
  expect(store.get('k')?.value).toStrictEqual({ sum: 1688888483063664647n, n: 2 })

  using other = new TopologyTestDriver(sums(json<Sum>()))
  const refused = other.input(payments('bigint'))
  expect(() => refused.pipeBytes(Buffer.from('k'), DATA, { timestamp: 0 })).toThrow(
    expect.objectContaining({
      code: 'MR_SERDE_ROUND_TRIP',
      message: expect.stringContaining('$.sum: bigint 1688888483063664642 became number 1688888483063664600'),
      hint: expect.stringContaining("json({ integers: 'bigint' })"),
    }),
  )
})
