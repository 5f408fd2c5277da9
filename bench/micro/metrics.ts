import { parseArgs } from 'node:util'
import { METRICS, type MetricName } from 'millrace'
import { exposition } from '../../src/metrics/exposition.ts'
import { Samples } from '../../src/metrics/samples.ts'
import { snapshotOf } from '../../src/metrics/snapshot.ts'
import { NO_HEADERS, type Headers } from '../../src/record/headers.ts'
import { Operator, type Output } from '../../src/operators/operator.ts'
import { NodeCounters } from '../../src/runtime/counters/node-counters.ts'
import { NodeOutput } from '../../src/runtime/node/node-output.ts'
import type { TopologyNode } from '../../src/topology/topology.ts'

/*
 * What metrics cost: ns a record for counting in a chain of nodes, beside the same chain without counters, in turn; and
 * ms for a snapshot and for each piece of text of about 2,000 series.
 *
 *   node --conditions=millrace-source bench/micro/metrics.ts [--records N] [--rounds N]
 */

const { values: options } = parseArgs({
  options: { records: { type: 'string', default: '5000000' }, rounds: { type: 'string', default: '9' } },
})
const records = Number(options.records)
const rounds = Number(options.rounds)
const NODES = 5

/** The output of a node as it is, but without counters. */
class UncountedOutput implements Output {
  readonly #children: Operator[] = []
  readonly #names: string[] = []

  add(name: string, child: Operator): void {
    this.#names.push(name)
    this.#children.push(child)
  }

  forward(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    const children = this.#children
    for (let i = 0; i < children.length; i++) {
      try {
        children[i]!.process(key, value, timestamp, headers)
      } catch (error) {
        throw new Error(this.#names[i], { cause: error })
      }
    }
  }

  forwardTo(): void {}
}

let seen = 0

class Even extends Operator {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    if (((value as number) & 1) === 0) this.output.forward(key, value, timestamp, headers)
  }
}
class Add extends Operator {
  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.output.forward(key, (value as number) + 2, timestamp, headers)
  }
}
class See extends Operator {
  override process(_key: unknown, value: unknown): void {
    seen += value as number
  }
}

const names = Array.from({ length: NODES + 1 }, (_, index) => `node-${index}`)
const nodes = names.map((name, index): TopologyNode => {
  const children = names.slice(index + 1, index + 2)
  return { kind: 'processor', name, operator: { op: 'filter' } as never, stores: [], parents: [], children }
})
const topology = {
  subtopologies: [{ id: 0, global: false, nodes, stores: [], copartitionGroups: [] }],
  stores: new Map(),
}

function chain<T extends Output & { add(name: string, child: Operator): void }>(make: (name: string) => T): T {
  const operators = names
    .slice(1)
    .map((_, index) => (index === NODES - 1 ? new See() : index % 2 ? new Add() : new Even()))
  const outputs = names.map(make)
  for (const [index, operator] of operators.entries()) {
    outputs[index]!.add(names[index + 1]!, operator)
    operator.output = outputs[index + 1]!
  }
  return outputs[0]!
}

/** Returns ms of CPU time, so that what else the machine does counts less. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function nanoseconds(output: Output): number {
  const begin = cpuTime()
  for (let i = 0; i < records; i++) output.forward('key', 2 * (i & 1023), i, NO_HEADERS)
  return ((cpuTime() - begin) * 1e6) / records
}

const counters = new NodeCounters(topology)
const chains = [
  ['without counters', chain(() => new UncountedOutput())],
  ['with counters', chain((name) => new NodeOutput(name, () => {}, counters))],
] as const
const times = new Map<string, number[]>(chains.map(([name]) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, output] of round % 2 === 0 ? chains : chains.toReversed())
    times.get(name)?.push(nanoseconds(output))
}
const medians = [...times].map(([name, all]) => [name, all.toSorted((a, b) => a - b)[rounds >> 1]!] as const)
for (const [name, time] of medians) console.log(`${time.toFixed(1).padStart(7)} ns a record, ${NODES} nodes ${name}`)
console.log(`${(((medians[1]?.[1] ?? 0) - (medians[0]?.[1] ?? 0)) / NODES).toFixed(2).padStart(7)} ns a node`)

const samples = new Samples()
for (const name of Object.keys(METRICS) as MetricName[]) {
  const { labels, bounds } = METRICS[name]
  for (let i = 0; i < (labels.length === 0 ? 1 : 75); i++) {
    const value = bounds === undefined ? i : { count: i, sum: i, buckets: bounds.map(() => i) }
    samples.add(name, Object.fromEntries(labels.map((label) => [label, `${label}-${i}`])), value)
  }
}
for (let round = 0; round < rounds; round++) {
  const marks = [cpuTime()]
  const snapshot = snapshotOf({ app: 'app', instance: 'here', time: 0 }, samples, 'node')
  marks.push(cpuTime())
  for (const _piece of exposition(snapshot, 'prometheus')) marks.push(cpuTime())
  const series = snapshot.metrics.reduce((sum, { series: all }) => sum + all.length, 0)
  const [first = 0, ...pieces] = marks.slice(1).map((mark, index) => mark - marks[index]!)
  const longest = Math.max(...pieces).toFixed(2)
  const all = (first + pieces.reduce((sum, each) => sum + each)).toFixed(2)
  console.log(`${series} series: snapshot ${first.toFixed(2)} ms, longest piece ${longest} ms, all ${all} ms`)
}
if (seen === 0) throw new Error('nothing was seen')
