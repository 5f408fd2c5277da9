import { expect, it } from 'vitest'
import { StreamsBuilder, describe, describeJson, describeMermaid, long, string, topic } from '../../src/index.ts'
import type { Topology } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })
const names = topic('names', { key: string(), value: string() })

function wordCount(): Topology {
  const builder = new StreamsBuilder()
  const global = builder.globalTable(names, { store: 'names' })
  builder
    .stream(words)
    .join(
      global,
      (word) => word,
      (word, name) => word + name,
    )
    .groupBy((word) => word, { key: string(), value: string() })
    .count({ store: 'counts' })
    .toStream()
    .to((_count, word) => `counts-of-${word}`)
  return builder.build()
}

it('the text has global stores among the sub-topologies, without an empty line after them', () => {
  expect(describe(wordCount()).split('\n').slice(0, 10)).toEqual([
    'Topologies:',
    '   Sub-topology: 0 for global store (will not generate tasks)',
    '    Source: KSTREAM-SOURCE-0000000000 (topics: [names])',
    '      --> KTABLE-SOURCE-0000000001',
    '    Processor: KTABLE-SOURCE-0000000001 (stores: [names])',
    '      --> none',
    '      <-- KSTREAM-SOURCE-0000000000',
    '  Sub-topology: 1',
    '    Source: KSTREAM-SOURCE-0000000002 (topics: [words])',
    '      --> KSTREAM-LEFTJOIN-0000000003',
  ])
})

it('building twice gives the same description', () => {
  expect(describe(wordCount())).toBe(describe(wordCount()))
})

it('the JSON form survives JSON and shows operators, stores and serdes', () => {
  const json = describeJson(wordCount())
  expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  expect(json.subtopologies.map(({ id, global }) => [id, global])).toEqual([
    [0, true],
    [1, false],
    [2, false],
  ])
  expect(json.subtopologies[2]?.nodes).toContainEqual({
    kind: 'processor',
    name: 'KSTREAM-AGGREGATE-0000000005',
    operator: 'aggregate',
    stores: ['counts'],
    parents: ['counts-repartition-source'],
    children: ['KTABLE-TOSTREAM-0000000009'],
  })
  expect(json.subtopologies[2]?.nodes.at(-1)).toMatchObject({ kind: 'sink', topic: null, internal: false })
  expect(json.stores).toEqual([
    {
      name: 'names',
      kind: 'keyValue',
      persistent: true,
      timestamped: true,
      caching: false,
      keySerde: 'string',
      valueSerde: 'string',
      changelog: { topic: 'names' },
      changelogConfigs: {},
    },
    {
      name: 'counts',
      kind: 'keyValue',
      persistent: true,
      timestamped: true,
      caching: true,
      keySerde: 'string',
      valueSerde: long().name,
      changelog: 'own',
      changelogConfigs: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' },
    },
  ])
})

it('the Mermaid form connects topics, nodes and stores', () => {
  const chart = describeMermaid(wordCount())
  expect(chart).toMatch(/^flowchart TD\n/)
  const idOf = (label: string): string => new RegExp(`(\\w+)[[(]+"${label}"`).exec(chart)?.[1] ?? 'none'
  expect(chart).toContain(`${idOf('words')} --> ${idOf('KSTREAM-SOURCE-0000000002')}`)
  expect(chart).toContain(`${idOf('counts-repartition-sink')} --> ${idOf('counts-repartition')}`)
  expect(chart).toContain(`${idOf('counts-repartition')} --> ${idOf('counts-repartition-source')}`)
  expect(chart).toContain(`${idOf('KSTREAM-AGGREGATE-0000000005')} --- ${idOf('counts')}`)
  expect(chart.match(/subgraph/g)).toHaveLength(3)
})
