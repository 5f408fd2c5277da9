import type { InstanceView, Overview, ShownMetric } from '../../../src/server/routes/console/shown.ts'

/** What a node did of late, over all instances; rates are a second. */
export interface NodeFigures {
  /** Records passed on. */
  readonly passed: number
  readonly dropped: number
  readonly drops: ReadonlyMap<string, number>
  readonly letters: number
  /** The part of the threads' time that the node itself takes, where it takes most; undefined while unknown. */
  readonly busy: number | undefined
}

/** What follows from the last rounds, over all instances. Undefined: there were too few. */
export interface Totals {
  /** Records processed a second. */
  readonly throughput: number | undefined
  readonly lag: number
  /** The time within which 99 of 100 commits ended, in ms. */
  readonly commit: number | undefined
  /** The part of their time that threads were not idle. */
  readonly busy: number | undefined
  /** Parts of the threads' time, by what they did. */
  readonly time: ReadonlyMap<string, number>
  readonly nodes: ReadonlyMap<string, NodeFigures>
  /** Records a second by `edgeKey`. */
  readonly edges: ReadonlyMap<string, number>
  /** Records written a second, by sink. */
  readonly written: ReadonlyMap<string, number>
  /** Rows written a second, by store. */
  readonly stores: ReadonlyMap<string, number>
  /** Records that wait, by topic. */
  readonly lags: ReadonlyMap<string, number>
  /** Records processed a second, by instance and task. */
  readonly tasks: ReadonlyMap<string, number>
  /** True if threads have hardly any time left. */
  readonly isSaturated: boolean
  /** The node that most of their time goes to then, if it goes to nodes. */
  readonly cause: string | undefined
  /** Records dropped and put aside since the instances were started. */
  readonly droppedSoFar: number
  readonly lettersSoFar: number
}

/** Rounds over which rates are measured. */
const ROUNDS = 6
/** Rounds over which the times of nodes are: they come from few samples. */
const TIMED_ROUNDS = 20
/** From this part of their time on, threads have hardly any left. */
const SATURATED = 0.85
/** A node can be the cause if processing takes so much of their time. */
const PROCESSING = 0.5

/** Counters of one instance at one moment, by name. */
type Counters = ReadonlyMap<string, number>

interface Sample {
  readonly at: number
  readonly counters: Counters
}

export function edgeKey(from: string, to: string): string {
  return `${from} ${to}`
}

export function taskKey(instance: string, task: string): string {
  return `${instance} ${task}`
}

/** Makes rates of what instances count. */
export class Figures {
  readonly #samples = new Map<string, Sample[]>()

  take({ instances }: Overview): Totals {
    const rates = new Map<string, number>()
    const busiest = new Map<string, number>()
    const gauges = { lag: 0, dropped: 0, letters: 0, lags: new Map<string, number>() }
    const seen = new Set<string>()
    let threads = 0
    let bounds: readonly number[] = []
    for (const { view, problem } of instances) {
      if (view === undefined || problem !== undefined) continue
      seen.add(view.instance)
      addGauges(gauges, view)
      bounds = metric(view, 'millrace_commit_duration_seconds')?.bounds ?? bounds
      const own = this.#ratesOf(view)
      if (own === undefined) continue
      threads += view.threads
      for (const [name, rate] of own) {
        add(rates, name, rate)
      }
      for (const [name, share] of sharesOf(own)) {
        busiest.set(name, Math.max(busiest.get(name) ?? 0, share / view.threads))
      }
    }
    for (const name of this.#samples.keys()) if (!seen.has(name)) this.#samples.delete(name)
    return totalsOf(rates, busiest, threads, bounds, gauges)
  }

  /** Returns what an instance counted a second; undefined: it was not seen before. */
  #ratesOf(view: InstanceView): Map<string, number> | undefined {
    const samples = this.#samples.get(view.instance) ?? []
    this.#samples.set(view.instance, samples)
    const next = { at: view.at, counters: countersOf(view) }
    const last = samples.at(-1)
    // A view that is still the one of before says nothing of the time since.
    if (last === undefined || next.at > last.at) samples.push(next)
    // An instance that was started again counts from 0.
    if (last !== undefined && isLess(next.counters, last.counters)) samples.splice(0, samples.length, next)
    if (samples.length > TIMED_ROUNDS) samples.shift()
    const [oldest] = samples
    const newest = samples.at(-1)
    const first = samples.at(-ROUNDS) ?? oldest
    if (oldest === undefined || newest === undefined || first === undefined || first === newest) return undefined
    return new Map(
      [...newest.counters].map(([name, count]) => {
        const from = name.startsWith('time ') ? oldest : first
        return [name, ((count - (from.counters.get(name) ?? 0)) / (newest.at - from.at)) * 1000]
      }),
    )
  }
}

/**
 * Returns the seconds a second that nodes of an instance take. Samples say how the time of processing is divided among
 * them; how much there is to divide is known.
 */
function sharesOf(rates: ReadonlyMap<string, number>): Map<string, number> {
  const times = [...rates].filter(([name]) => name.startsWith('time '))
  const sampled = times.reduce((sum, [, time]) => sum + time, 0)
  if (sampled === 0) return new Map()
  const processing = rates.get('thread process') ?? sampled
  return new Map(times.map(([name, time]) => [name, (time / sampled) * processing]))
}

interface Gauges {
  lag: number
  dropped: number
  letters: number
  readonly lags: Map<string, number>
}

function addGauges(gauges: Gauges, view: InstanceView): void {
  gauges.lag += view.lag
  for (const { value = 0 } of seriesOf(view, 'millrace_records_dropped_total')) gauges.dropped += value
  for (const { value = 0 } of seriesOf(view, 'millrace_dead_letters_total')) gauges.letters += value
  for (const { labels, value = 0 } of seriesOf(view, 'millrace_task_input_lag_records')) {
    add(gauges.lags, labels['topic'] ?? '', value)
  }
}

function isLess(next: Counters, last: Counters): boolean {
  for (const [name, count] of last) {
    // A task that has moved counts elsewhere, from 0.
    if (!name.startsWith('task ') && (next.get(name) ?? 0) < count) return true
  }
  return false
}

function countersOf(view: InstanceView): Counters {
  const counters = new Map<string, number>([['processed', view.processed]])
  for (const task of view.tasks) {
    if (task.role === 'active') counters.set(`task ${taskKey(view.instance, task.id)}`, task.processed)
  }
  const count = (name: string, key: (labels: Readonly<Record<string, string>>) => string): void => {
    for (const { labels, value = 0 } of seriesOf(view, name)) add(counters, key(labels), value)
  }
  count('millrace_node_records_total', ({ node }) => `node ${node}`)
  count('millrace_edge_records_total', ({ node = '', child = '' }) => `edge ${edgeKey(node, child)}`)
  count('millrace_node_time_seconds_total', ({ node }) => `time ${node}`)
  count('millrace_thread_time_seconds_total', ({ activity }) => `thread ${activity}`)
  count('millrace_records_written_total', ({ node }) => `written ${node}`)
  count('millrace_store_writes_total', ({ store }) => `store ${store}`)
  count('millrace_records_dropped_total', ({ node, reason }) => `drop ${reason} ${node}`)
  count('millrace_dead_letters_total', ({ node }) => `letter ${node}`)
  for (const { count: all = 0, buckets = [] } of seriesOf(view, 'millrace_commit_duration_seconds')) {
    add(counters, 'commits', all)
    for (const [index, below] of buckets.entries()) add(counters, `commit ${index}`, below)
  }
  return counters
}

function metric({ metrics }: InstanceView, name: string): ShownMetric | undefined {
  return metrics.find((each) => each.name === name)
}

function seriesOf(view: InstanceView, name: string): ShownMetric['series'] {
  return metric(view, name)?.series ?? []
}

function totalsOf(
  rates: ReadonlyMap<string, number>,
  busiest: ReadonlyMap<string, number>,
  threads: number,
  bounds: readonly number[],
  gauges: Gauges,
): Totals {
  const nodes = nodesOf(rates, busiest)
  const time = new Map([...under(rates, 'thread ')].map(([activity, rate]) => [activity, Math.min(1, rate / threads)]))
  const busy = time.size === 0 ? undefined : Math.max(0, Math.min(1, 1 - (time.get('idle') ?? 0)))
  const isSaturated = busy !== undefined && busy >= SATURATED
  return {
    throughput: rates.get('processed'),
    lag: gauges.lag,
    commit: percentile(rates, bounds),
    busy,
    time,
    nodes,
    edges: under(rates, 'edge '),
    written: under(rates, 'written '),
    stores: under(rates, 'store '),
    lags: gauges.lags,
    tasks: under(rates, 'task '),
    isSaturated,
    cause: isSaturated && (time.get('process') ?? 0) >= PROCESSING ? busiestOf(nodes) : undefined,
    droppedSoFar: gauges.dropped,
    lettersSoFar: gauges.letters,
  }
}

function nodesOf(rates: ReadonlyMap<string, number>, busiest: ReadonlyMap<string, number>): Map<string, NodeFigures> {
  const drops = new Map<string, Map<string, number>>()
  for (const [name, rate] of under(rates, 'drop ')) {
    const [reason = '', node = ''] = name.split(/ (.*)/)
    const ofNode = drops.get(node) ?? new Map<string, number>()
    drops.set(node, ofNode.set(reason, rate))
  }
  const passed = under(rates, 'node ')
  const letters = under(rates, 'letter ')
  const times = under(busiest, 'time ')
  const names = new Set([...passed.keys(), ...drops.keys(), ...letters.keys(), ...times.keys()])
  return new Map(
    [...names].map((name) => {
      const ofNode = drops.get(name) ?? new Map<string, number>()
      return [
        name,
        {
          passed: passed.get(name) ?? 0,
          dropped: [...ofNode.values()].reduce((sum, rate) => sum + rate, 0),
          drops: ofNode,
          letters: letters.get(name) ?? 0,
          busy: times.has(name) ? Math.min(1, times.get(name)!) : undefined,
        },
      ]
    }),
  )
}

export function busiestOf(nodes: ReadonlyMap<string, NodeFigures>): string | undefined {
  let found: string | undefined
  let most = 0
  for (const [name, { busy = 0 }] of nodes) if (busy > most) [found, most] = [name, busy]
  return found
}

/** The upper bound within which 99 of 100 commits of late ended, in ms, as far as the buckets tell. */
function percentile(rates: ReadonlyMap<string, number>, bounds: readonly number[]): number | undefined {
  const all = rates.get('commits') ?? 0
  if (all <= 0) return undefined
  let [before, from] = [0, 0]
  for (const [index, bound] of bounds.entries()) {
    const below = rates.get(`commit ${index}`) ?? 0
    if (below >= all * 0.99) {
      const part = below > before ? (all * 0.99 - before) / (below - before) : 1
      return (from + (bound - from) * part) * 1000
    }
    ;[before, from] = [below, bound]
  }
  return from * 1000
}

/** Returns what has names that begin with `prefix`, by what follows it. */
function under(rates: ReadonlyMap<string, number>, prefix: string): Map<string, number> {
  return new Map(
    [...rates].filter(([name]) => name.startsWith(prefix)).map(([name, rate]) => [name.slice(prefix.length), rate]),
  )
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value)
}
