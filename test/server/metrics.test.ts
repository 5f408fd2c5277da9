import { expect, test } from 'vitest'
import { TopicWriter, type MetricsSnapshot } from 'millrace'
import { serve } from 'millrace/server'
import { Running, until, words } from './support.ts'

function valuesOf({ metrics }: MetricsSnapshot, name: string): unknown {
  return metrics.find((metric) => metric.name === name)?.series
}

test('/v1/metrics is what streams.metrics() gives, with a series for each task to those who ask for it', async () => {
  await using running = await Running.start()
  const { streams } = running
  await using server = await serve(streams, { listen: 'none', auth: 'none' })
  await using writer = await TopicWriter.open(streams.log, words)
  for (const word of ['mill', 'race', 'mill']) writer.write(word, word, { timestamp: 1000 })
  writer.write(null as never, 'nothing', { timestamp: 1000 })
  await writer.flush()
  await until(() => streams.status().processed === 4)
  const get = async (query: string): Promise<MetricsSnapshot> =>
    (await server.fetch(new Request(`http://localhost/v1/metrics${query}`))).json() as Promise<MetricsSnapshot>
  const snapshot = await get('')
  expect({ ...snapshot, time: 0, metrics: snapshot.metrics.map(({ name, help }) => [name, help]) }).toEqual({
    app: 'word-counts',
    instance: expect.stringMatching(/^[\da-f-]{36}$/),
    time: 0,
    metrics: streams.metrics().metrics.map(({ name, help }) => [name, help]),
  })
  expect(valuesOf(snapshot, 'millrace_records_processed_total')).toEqual([{ labels: { subtopology: '1' }, value: 4 }])
  expect(valuesOf(snapshot, 'millrace_records_dropped_total')).toEqual([
    { labels: { reason: 'null-key', node: expect.stringContaining('KSTREAM-AGGREGATE') }, value: 1 },
  ])
  expect(valuesOf(snapshot, 'millrace_tasks')).toContainEqual({ labels: { role: 'active' }, value: 2 })
  const tasks = valuesOf(await get('?detail=task'), 'millrace_records_processed_total')
  expect((tasks as { labels: { task: string } }[]).map(({ labels }) => labels.task)).toEqual(['1_0', '1_1'])
})
