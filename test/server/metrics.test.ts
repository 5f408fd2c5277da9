import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { TopicWriter, type KeyValueView, type MetricsSnapshot } from 'millrace'
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
  // Requests are counted, too: the first one has no part in what it returns.
  await get('')
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

/** What Prometheus sends. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,' +
  'text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

test('/metrics is for everybody, as the probes are, in the format that is asked for', async () => {
  await using running = await Running.start()
  await using server = await serve(running.streams, { listen: 'none' })
  const get = (path: string, accept = '*/*'): Promise<Response> =>
    server.fetch(new Request(`http://localhost${path}`, { headers: { accept } }))
  expect((await get('/v1/metrics')).status).toBe(403)
  expect((await get('/nothing')).status).toBe(403)
  const plain = await get('/metrics')
  expect([plain.status, plain.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  const text = await plain.text()
  expect(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' })).toBe('')
  expect(text).toContain(
    'millrace_http_requests_total{app="word-counts",route="/v1/metrics",method="GET",status="4xx"} 1',
  )
  expect(text).toContain('millrace_http_requests_total{app="word-counts",route="none",method="GET",status="4xx"} 1')
  const open = await get('/metrics?detail=task', PROMETHEUS)
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(await open.text()).toMatch(/# EOF\n$/)
})

test('queries are counted by store, by what was asked, and by what came of it', async () => {
  await using running = await Running.start()
  const { streams } = running
  const totals = streams.store<KeyValueView<string, number>>('totals')
  expect(valuesOf(streams.metrics(), 'millrace_open_scans')).toEqual([{ labels: {}, value: 0 }])
  expect(await totals.get('mill')).toBeUndefined()
  await expect(totals.get('mill', { signal: AbortSignal.abort() })).rejects.toThrow()
  expect(valuesOf(streams.metrics(), 'millrace_queries_total')).toEqual(
    ['ok', 'aborted'].map((outcome) => ({ labels: { store: 'totals', op: 'get', outcome }, value: 1 })),
  )
})
