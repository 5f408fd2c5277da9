import type { CallsStep, Step } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'
import { callOrder } from '../../src/topology/call-order.ts'
import type { Topology } from '../../src/index.ts'
import type { Subtopology, TopologyNode } from '../../src/topology/topology.ts'

const STREAM_MAKERS: ReadonlySet<string> = new Set([
  'stream',
  'toStream',
  'merge',
  'repartition',
  'process',
  'processValues',
  'map',
  'selectKey',
  'flatMap',
  'flatMapValues',
  'peek',
])
/** What yields a stream on a stream and a table on a table. */
const KEEPERS: ReadonlySet<string> = new Set(['filter', 'filterNot', 'mapValues', 'join', 'leftJoin', 'outerJoin'])
const CALLABLE: ReadonlySet<string> = new Set(['mapValues', 'map', 'flatMapValues'])

/** Puts one or two asynchronous steps into a topology: in the place of operators, or behind any stream. */
export function withCalls(random: Random, topology: readonly Step[], emit: CallsStep['emit']): Step[] {
  let steps = [...topology]
  for (let left = 1 + random.below(2); left > 0; left--) steps = withOneCall(random, steps, emit)
  return steps
}

function withOneCall(random: Random, topology: readonly Step[], emit: CallsStep['emit']): Step[] {
  const streams = streamsOf(topology)
  const calls: CallsStep = {
    concurrency: random.pick([1, 2, 3, 16]),
    sameKey: random.pick(['serial', 'concurrent']),
    emit,
    align: true,
  }
  const replaceable = topology.filter(
    ({ id, op, calls: given }) => CALLABLE.has(op) && streams.has(id) && given === undefined,
  )
  if (replaceable.length > 0 && random.chance(0.6)) {
    const { id } = random.pick(replaceable)
    return topology.flatMap((step) => (step.id === id ? observed({ ...step, calls }) : [step]))
  }
  return insertedBehind(random.pick([...streams]), topology, calls)
}

/** Puts a step that hands its values on between a stream and everything that went on from it. */
function insertedBehind(stream: string, topology: readonly Step[], calls: CallsStep): Step[] {
  const id = `${stream}c${topology.length}`
  const renamed = (name: string): string => (name === stream ? id : name)
  const steps: Step[] = []
  for (const step of topology) {
    const { from, with: other, inputs } = step
    steps.push({
      ...step,
      ...(from === undefined ? {} : { from: typeof from === 'string' ? renamed(from) : from.map(renamed) }),
      ...(other === undefined ? {} : { with: renamed(other) }),
      ...(inputs === undefined ? {} : { inputs: inputs.map((input) => ({ ...input, from: renamed(input.from) })) }),
    })
    const isBranch = step.branches?.some((branch) => branch.id === stream) || step.default?.id === stream
    if (step.id === stream || isBranch) steps.push(...observed({ id, op: 'mapValues', from: stream, fn: 'v', calls }))
  }
  return steps
}

/** Writes what a processor behind the step sees of each record to a topic: its place, stream time and headers. */
function observed(step: Step): Step[] {
  const id = `${step.id}-seen`
  return [
    step,
    { id, op: 'processValues', proc: 'meta', from: step.id },
    { id: `${id}-out`, op: 'to', topic: id, from: id },
  ]
}

function streamsOf(topology: readonly Step[]): ReadonlySet<string> {
  const streams = new Set<string>()
  for (const { id, op, from, branches = [], default: rest } of topology) {
    if (STREAM_MAKERS.has(op) || (KEEPERS.has(op) && typeof from === 'string' && streams.has(from))) streams.add(id)
    for (const branch of branches) streams.add(branch.id)
    if (rest !== undefined) streams.add(rest.id)
  }
  return streams
}

/**
 * True if a record may reach a place behind an asynchronous step both through the step and around it: what comes of
 * it on the way around is there first.
 */
export function hasWaysAround(topology: Topology): boolean {
  return topology.subtopologies.some((subtopology) => {
    const { nodes } = subtopology
    const { waits } = callOrder(nodes, (name) => topology.stores.get(name)?.spec)
    return [...waits].some(([source, steps]) => steps.some((step) => reaches(subtopology, source, step)))
  })
}

/** True if records of one input may meet results of a step for records of another. */
export function hasMeetings({ subtopologies, stores }: Topology): boolean {
  return subtopologies.some(({ nodes }) => callOrder(nodes, (name) => stores.get(name)?.spec).waits.size > 0)
}

function reaches({ nodes }: Subtopology, from: string, to: string): boolean {
  const byName = new Map<string, TopologyNode>(nodes.map((node) => [node.name, node]))
  const open = [from]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === to) return true
    const node = byName.get(name)
    if (node !== undefined && node.kind !== 'sink') open.push(...node.children)
  }
  return false
}

/** True if no internal topic has two sinks, one of which could be behind a step and the other not. */
export function hasOneSinkEach(topology: Topology): boolean {
  const seen = new Set<string>()
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind !== 'sink' || !node.internal || typeof node.topic !== 'string') continue
      if (seen.has(node.topic)) return false
      seen.add(node.topic)
    }
  }
  return true
}
