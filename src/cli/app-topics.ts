import type { Log } from '../log/log.ts'
import type { Topology } from '../topology/topology.ts'

/** Number of partitions of a new topic, if no other topic determines it. */
export const DEFAULT_PARTITIONS = 4

export interface AppTopics {
  readonly sources: readonly string[]
  readonly sinks: readonly string[]
}

/** Returns the topics that must exist before the application runs: all that it reads or writes but internal ones. */
export function appTopics(topology: Topology, deadLetterTopic?: string): AppTopics {
  const sources = new Set<string>()
  const sinks = new Set(deadLetterTopic === undefined ? [] : [deadLetterTopic])
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind === 'source' && !node.internal) for (const topic of node.topics) sources.add(topic)
      if (node.kind === 'sink' && !node.internal && typeof node.topic === 'string') sinks.add(node.topic)
    }
  }
  return { sources: [...sources].toSorted(), sinks: [...sinks].toSorted() }
}

export interface CreatedTopics {
  readonly names: readonly string[]
  readonly partitions: number
}

/**
 * Creates the topics of an application that an embedded log lacks, since nobody else can. All get the partition count
 * of the application's existing source topics, so that joined topics agree.
 */
export async function createMissingTopics(log: Log, { sources, sinks }: AppTopics): Promise<CreatedTopics> {
  const wanted = [...new Set([...sources, ...sinks])]
  const existing = await log.describeTopics(wanted)
  const counts = sources.flatMap((name) => existing.get(name)?.partitions ?? [])
  const partitions = counts.length === 0 ? DEFAULT_PARTITIONS : Math.max(...counts)
  const names = wanted.filter((name) => !existing.has(name))
  if (names.length > 0) await log.createTopics(names.map((name) => ({ name, partitions })))
  return { names, partitions }
}
