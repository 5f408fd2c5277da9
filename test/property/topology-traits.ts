import type { Step } from '../conformance/scenario.ts'
import { scenarioApp } from '../conformance/scenario-topology.ts'
import type { Topology } from '../../src/index.ts'
import type { Subtopology } from '../../src/topology/topology.ts'

export function topologyOf(topology: readonly Step[]): Topology {
  return scenarioApp({ config: {}, topology }, {}).topology()
}

interface Source {
  readonly topic: string
  readonly internal: boolean
}

function sourcesOf({ nodes }: Subtopology): Source[] {
  return nodes.flatMap((node) =>
    node.kind === 'source' ? node.topics.map((topic) => ({ topic, internal: node.internal })) : [],
  )
}

function taskedSubtopologies(topology: Topology): Subtopology[] {
  return topology.subtopologies.filter(({ global }) => !global)
}

/**
 * Whether each task reads only one partition, or only partitions of user topics. Its input then has one order, however
 * the tasks are scheduled, if the records of the user topics have one.
 */
export function hasOrderedTasks(topology: Topology): boolean {
  return taskedSubtopologies(topology).every((subtopology) => {
    const sources = sourcesOf(subtopology)
    return sources.length === 1 || sources.every(({ internal }) => !internal)
  })
}

/** Whether some task reads several topics. */
export function hasSeveralInputs(topology: Topology): boolean {
  return taskedSubtopologies(topology).some((subtopology) => sourcesOf(subtopology).length > 1)
}

/** Whether no record makes two hops through internal topics, except for the two of a foreign-key join. */
export function hopsAtMostOnce(topology: Topology): boolean {
  const writers = writersOf(topology)
  const isForeignKey = (topic: string): boolean => topic.includes('SUBSCRIPTION')
  const internal = taskedSubtopologies(topology).flatMap((subtopology) =>
    sourcesOf(subtopology).filter((s) => s.internal),
  )
  const foreign = internal.filter(({ topic }) => isForeignKey(topic)).length
  if (foreign > 0) return foreign === 2 && internal.length === 2
  return (
    independentInputs(topology) &&
    internal.every(({ topic }) =>
      (writers.get(topic) ?? []).every((writer) => sourcesOf(writer).every((s) => !s.internal)),
    )
  )
}

/** Whether no task reads two internal topics that one user record can reach: the quicker hop would decide. */
export function independentInputs(topology: Topology): boolean {
  const writers = writersOf(topology)
  const origins = (topic: string, seen: Set<string>): Set<string> => {
    const from = writers.get(topic)
    if (from === undefined) return new Set([topic])
    if (seen.has(topic)) return new Set()
    seen.add(topic)
    return new Set(from.flatMap((writer) => sourcesOf(writer).flatMap((source) => [...origins(source.topic, seen)])))
  }
  return taskedSubtopologies(topology).every((subtopology) => {
    const reached = sourcesOf(subtopology)
      .filter(({ internal }) => internal)
      .map(({ topic }) => origins(topic, new Set()))
    return reached.every((some, i) =>
      reached.every((other, j) => i === j || [...some].every((topic) => !other.has(topic))),
    )
  })
}

function writersOf(topology: Topology): Map<string, Subtopology[]> {
  const writers = new Map<string, Subtopology[]>()
  for (const subtopology of topology.subtopologies) {
    for (const node of subtopology.nodes) {
      if (node.kind !== 'sink' || !node.internal || typeof node.topic !== 'string') continue
      writers.set(node.topic, [...(writers.get(node.topic) ?? []), subtopology])
    }
  }
  return writers
}

/** Whether results depend on the time of the whole task: stream-time punctuation, or processors that show it. */
export function asksForTaskTime(topology: readonly Step[]): boolean {
  return topology.some((step) => step.clock === 'stream' || step.proc === 'meta' || step.proc === 'punctuateLog')
}

/** Whether results depend on the wall clock: its punctuation begins again with every start of the application. */
export function asksForWallClock(topology: readonly Step[]): boolean {
  return topology.some((step) => step.clock === 'wall' || step.proc === 'meta' || step.proc === 'punctuateLog')
}

/** Whether no record gets another key, so that an output partition has its records from one task. */
export function keepsKeys(topology: readonly Step[]): boolean {
  return !topology.some(
    ({ op, keyFn, fk }) => keyFn !== undefined || fk !== undefined || op === 'process' || op === 'repartition',
  )
}

/** Whether records without a key reach repartition topics, in any partition: left and outer joins let them pass. */
export function sendsNullKeys(topology: readonly Step[]): boolean {
  return topology.some(({ op }) => op === 'leftJoin' || op === 'outerJoin')
}

export function hasGlobalTable(topology: readonly Step[]): boolean {
  return topology.some((step) => step.op === 'globalTable')
}
