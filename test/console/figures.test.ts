import { expect, test } from 'vitest'
import { busiestOf, edgeKey, Figures } from '../../console/src/data/figures.ts'
import type { InstanceView, Overview, ShownMetric, ShownSeries } from '../../src/server/routes/console/shown.ts'

const NO_PROBE = { ok: true, checks: [] }

function metric(name: string, series: readonly ShownSeries[], bounds: readonly number[] = []): ShownMetric {
  return { name: `millrace_${name}`, series, bounds }
}

function view(instance: string, second: number, metrics: readonly ShownMetric[], more: Partial<InstanceView> = {}) {
  const probes = { live: NO_PROBE, ready: NO_PROBE, startup: NO_PROBE }
  const said = { app: 'a', version: '1', state: 'running', log: 'kafka', guarantee: 'exactly_once', settings: [] }
  const counted = { processed: second * 100, written: 0, lag: 5, commits: second, tasks: [], restores: [] }
  return { ...said, ...counted, instance, threads: 2, at: second * 1000, probes, metrics, ...more }
}

function overview(...views: readonly InstanceView[]): Overview {
  const instances = views.map((view) => {
    return { endpoint: view.instance, isLocal: false, active: [], standby: [], view }
  })
  return { at: 0, instances }
}

test('rates are sums over instances of what each has counted, by its own clock', () => {
  const figures = new Figures()
  expect(figures.take(overview(view('one', 10, []), view('two', 700, []))).throughput).toBeUndefined()
  // The second one answered late: two of its seconds have passed.
  const { throughput, lag } = figures.take(overview(view('one', 11, []), view('two', 702, [])))
  expect([throughput, lag]).toEqual([200, 10])
})

test('an instance that was started again counts from 0, and makes no rate negative', () => {
  const figures = new Figures()
  figures.take(overview(view('one', 100, [])))
  figures.take(overview(view('one', 101, [])))
  expect(figures.take(overview(view('one', 1, []))).throughput).toBeUndefined()
  expect(figures.take(overview(view('one', 2, []))).throughput).toBe(100)
})

test('an instance that shows nothing now adds nothing', () => {
  const figures = new Figures()
  const both = (second: number): Overview => overview(view('one', second, []), view('two', second, []))
  figures.take(both(1))
  expect(figures.take(both(2)).throughput).toBe(200)
  const [one, two] = both(3).instances
  const silent = { ...two!, problem: { code: 'MR_QUERY_PEER', detail: 'it does not answer' } }
  expect(figures.take({ at: 0, instances: [one!, silent] })).toMatchObject({ throughput: 100, lag: 5 })
})

const busy = (second: number, idle: number): ShownMetric[] => [
  metric('thread_time_seconds_total', [
    { labels: { activity: 'process' }, value: second * (2 - idle) },
    { labels: { activity: 'idle' }, value: second * idle },
  ]),
  // Samples may be off; how they are divided counts.
  metric('node_time_seconds_total', [
    { labels: { node: 'slow' }, value: second * 6 },
    { labels: { node: 'fast' }, value: second * 2 },
  ]),
  metric('edge_records_total', [{ labels: { node: 'source', child: 'slow' }, value: second * 40 }]),
  metric('records_dropped_total', [{ labels: { node: 'slow', reason: 'late' }, value: second * 3 }]),
]

test('the time of processing is divided as samples say, and of busy threads the greatest share is the cause', () => {
  const figures = new Figures()
  figures.take(overview(view('one', 1, busy(1, 0.2))))
  const found = figures.take(overview(view('one', 2, busy(2, 0.2))))
  expect(found.busy).toBeCloseTo(0.9)
  expect(found.nodes.get('slow')?.busy).toBeCloseTo(0.9 * 0.75)
  expect(found.nodes.get('fast')?.busy).toBeCloseTo(0.9 * 0.25)
  expect([found.cause, busiestOf(found.nodes)]).toEqual(['slow', 'slow'])
  expect(found.edges.get(edgeKey('source', 'slow'))).toBeCloseTo(40)
  expect(found.nodes.get('slow')?.drops).toEqual(new Map([['late', 3]]))
})

test('threads that have time left have no cause', () => {
  const figures = new Figures()
  figures.take(overview(view('one', 1, busy(1, 1))))
  const found = figures.take(overview(view('one', 2, busy(2, 1))))
  expect(found.busy).toBeCloseTo(0.5)
  expect([found.cause, busiestOf(found.nodes)]).toEqual([undefined, 'slow'])
})

test('busy threads that do not process have no node as the cause', () => {
  const waiting = (second: number): ShownMetric[] => [
    ...busy(second, 1.4).slice(1),
    metric('thread_time_seconds_total', [
      { labels: { activity: 'process' }, value: second * 0.6 },
      { labels: { activity: 'io' }, value: second * 1.3 },
      { labels: { activity: 'idle' }, value: second * 0.1 },
    ]),
  ]
  const figures = new Figures()
  figures.take(overview(view('one', 1, waiting(1))))
  const found = figures.take(overview(view('one', 2, waiting(2))))
  expect([found.isSaturated, found.cause, busiestOf(found.nodes)]).toEqual([true, undefined, 'slow'])
})

test('99 of 100 commits ended within what their buckets say', () => {
  const commits = (second: number): ShownMetric =>
    metric(
      'commit_duration_seconds',
      [{ labels: {}, count: second * 100, sum: 1, buckets: [90, 98, 100].map((count) => count * second) }],
      [0.01, 0.1, 1],
    )
  const figures = new Figures()
  figures.take(overview(view('one', 1, [commits(1)])))
  expect(figures.take(overview(view('one', 2, [commits(2)]))).commit).toBeCloseTo(550)
})
