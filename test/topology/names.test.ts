import { describe, expect, it } from 'vitest'
import {
  StreamsBuilder,
  describe as describeTopology,
  string,
  topic,
  tumbling,
  untilTimeLimit,
} from '../../src/index.ts'
import type { KStream } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })

/** Number of the node that is added after what `use` adds to a stream numbered 0. */
function numberAfter(use: (stream: KStream<string, string>) => unknown): number {
  const builder = new StreamsBuilder()
  const stream = builder.stream(words)
  use(stream)
  stream.peek(() => undefined)
  const [, digits] = /KSTREAM-PEEK-(\d{10})/.exec(describeTopology(builder.build())) ?? []
  return Number(digits)
}

describe('numbers of generated names', () => {
  it.each<[what: string, draws: number, use: (stream: KStream<string, string>) => unknown]>([
    ['a filter', 1, (stream) => stream.filter(() => true)],
    ['a named filter', 1, (stream) => stream.filter(() => true, { name: 'f' })],
    ['a processor', 1, (stream) => stream.process(() => ({ process: () => undefined }))],
    ['a named processor', 0, (stream) => stream.process(() => ({ process: () => undefined }), { name: 'p' })],
    ['a repartition', 4, (stream) => stream.repartition()],
    ['a named repartition', 3, (stream) => stream.repartition({ name: 'r' })],
    ['a count', 2, (stream) => stream.groupByKey().count()],
    ['a count into a named store', 1, (stream) => stream.groupByKey().count({ store: 's' })],
    ['a count into an unnamed store', 3, (stream) => stream.groupByKey().count({ materialized: true })],
    ['a count of new keys', 6, (stream) => stream.groupBy((word) => word, { key: string() }).count()],
    ['a reduce into an unnamed store', 2, (stream) => stream.groupByKey().reduce((a) => a, { materialized: true })],
    [
      'a split with two branches',
      3,
      (stream) =>
        stream
          .split()
          .branch(() => true)
          .defaultBranch(),
    ],
    ['toTable', 2, (stream) => stream.toTable()],
    ['toTable and a filter', 3, (stream) => stream.toTable().filter(() => true)],
    ['toTable and a filter with serdes', 3, (stream) => stream.toTable().filter(() => true, { value: string() })],
    [
      'toTable and an unnamed stored filter',
      4,
      (stream) => stream.toTable().filter(() => true, { materialized: true }),
    ],
    ['toTable and suppress', 4, (stream) => stream.toTable().suppress(untilTimeLimit(1))],
    ['toTable and named suppress', 2, (stream) => stream.toTable().suppress(untilTimeLimit(1), { name: 's' })],
    ['a windowed count', 2, (stream) => stream.groupByKey().windowedBy(tumbling(1)).count()],
  ])('%s draws %i', (_what, draws, use) => {
    expect(numberAfter(use)).toBe(1 + draws)
  })
})

describe('repartition topics', () => {
  it('a named group has one for all its aggregations, an unnamed one each', () => {
    const topicsOf = (name?: string): string[] => {
      const builder = new StreamsBuilder()
      const group = builder
        .stream(words)
        .groupBy((word) => word, { key: string(), ...(name === undefined ? {} : { name }) })
      group.count({ store: 'a' })
      group.reduce((x) => x, { store: 'b' })
      return [...describeTopology(builder.build()).matchAll(/Sink: .* \(topic: (.*)\)/g)].map(
        ([, found]) => found ?? '',
      )
    }
    expect(topicsOf()).toEqual(['a-repartition', 'b-repartition'])
    expect(topicsOf('by-word')).toEqual(['by-word-repartition'])
  })
})
