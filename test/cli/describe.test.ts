import { expect, test } from 'vitest'
import { fixture, runMillrace } from './cli-process.ts'

test('describe prints the topology as Kafka Streams does', async () => {
  const { code, stdout, stderr } = await runMillrace('describe', fixture('words.ts'))
  expect(stderr).toBe('')
  expect(stdout).toBe(`Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [words])
      --> KSTREAM-KEY-SELECT-0000000001
    Processor: KSTREAM-KEY-SELECT-0000000001 (stores: [])
      --> counts-repartition-filter
      <-- KSTREAM-SOURCE-0000000000
    Processor: counts-repartition-filter (stores: [])
      --> counts-repartition-sink
      <-- KSTREAM-KEY-SELECT-0000000001
    Sink: counts-repartition-sink (topic: counts-repartition)
      <-- counts-repartition-filter

  Sub-topology: 1
    Source: counts-repartition-source (topics: [counts-repartition])
      --> KSTREAM-AGGREGATE-0000000002
    Processor: KSTREAM-AGGREGATE-0000000002 (stores: [counts])
      --> KTABLE-TOSTREAM-0000000006
      <-- counts-repartition-source
    Processor: KTABLE-TOSTREAM-0000000006 (stores: [])
      --> KSTREAM-SINK-0000000007
      <-- KSTREAM-AGGREGATE-0000000002
    Sink: KSTREAM-SINK-0000000007 (topic: counts)
      <-- KTABLE-TOSTREAM-0000000006

`)
  expect(code).toBe(0)
})

test('--json is JSON with every node and store, --mermaid a flowchart', async () => {
  const json = await runMillrace('describe', fixture('words.ts'), '--json')
  const topology: unknown = JSON.parse(json.stdout)
  expect(topology).toMatchObject({ subtopologies: [{ id: 0 }, { id: 1 }], stores: [{ name: 'counts' }] })
  const mermaid = await runMillrace('describe', fixture('words.ts'), '--mermaid')
  expect(mermaid.stdout).toMatch(/^flowchart /)
})

test('--help and --version answer on standard output with exit code 0', async () => {
  const help = await runMillrace('run', '--help')
  expect(help).toMatchObject({ code: 0, stderr: '' })
  expect(help.stdout).toContain('--kafka')
  const version = await runMillrace('--version')
  expect(version).toMatchObject({ code: 0, stderr: '' })
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
