import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, memoryLog, MillraceError, Streams } from 'millrace'
import { connectors, defineConnectors, defineSink } from 'millrace/connect'
import { expect, test } from 'vitest'
import { until } from '../server/support.ts'
import { Feeds, feedSource, Lines, textTopic, valuesOf } from './kit.ts'

test('connectors of an application are in its status, metrics and health; one that fails leaves the rest', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'))
  const [lines, copies] = [textTopic(), textTopic()]
  const log = memoryLog()
  await log.createTopics([copies].map(({ name }) => ({ name, partitions: 2 })))
  const feeds = new Feeds(['north'], 5)
  const broken = defineSink({
    name: 'broken',
    topics: [lines],
    write: () => {
      throw new MillraceError('MR_TEST', 'the target is gone')
    },
  })
  await log.createTopics([{ name: lines.name, partitions: 2 }])
  const shop = defineConnectors({ id: 'shop', connectors: [feedSource(feeds, lines, 2), broken], logger: new Lines() })
  const app = defineApp({ id: 'copy', commitInterval: 5, build: (builder) => builder.stream(lines).to(copies) })
  const streams = await Streams.start(app, { log, stateDirectory: directory, companions: [connectors(shop)] })
  await until(async () => (await valuesOf(log, copies)).length === 5)
  await until(() => !streams.health().live.ok)

  expect(streams.status().companions.get('shop')).toMatchObject({
    connectors: [
      { name: 'feeds', state: 'running', records: 5, positions: { north: '{"next":5}' } },
      { name: 'broken', state: 'failed', reason: 'the target is gone' },
    ],
  })
  expect(streams.health().live.checks.filter(({ name }) => name.startsWith('connector'))).toEqual([
    { name: 'connector feeds', ok: true, message: 'running' },
    { name: 'connector broken', ok: false, message: 'failed: the target is gone' },
  ])
  const { metrics } = streams.metrics()
  const series = metrics.filter(({ name }) => name === 'millrace_connector_records_total')
  expect(JSON.stringify(series)).toContain('feeds')
  expect(streams.state).toBe('running')
  await streams.close()
  rmSync(directory, { recursive: true, force: true })
})
