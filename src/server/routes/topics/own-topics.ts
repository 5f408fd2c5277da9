import { MillraceError } from '../../../errors/millrace-error.ts'
import type { CompanionHost } from '../../../runtime/companion.ts'
import type { Serde } from '../../../serde/serde.ts'
import { internalTopicsOf } from '../../../topology/describe/subtopologies-for-group.ts'
import { hasInternalName } from '../../../topology/internal-topic-names.ts'
import type { StreamPartitioner } from '../../../topology/topology.ts'

/** A topic of the application. */
export interface OwnTopic {
  readonly kind: 'source' | 'sink' | 'internal' | 'dead-letters'
  /** The serdes that it is read by, or else written by; undefined where its format is Millrace's own. */
  readonly serdes: TopicSerdes | undefined
  readonly partitioner: StreamPartitioner | undefined
}

export interface TopicSerdes {
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

/** True for changelogs and repartition topics, of whichever application, and for topics of the brokers. */
export function isInternal(name: string, own: ReadonlyMap<string, OwnTopic>): boolean {
  const topic = own.get(name)
  if (topic !== undefined) return topic.kind === 'internal'
  return name.startsWith('__') || hasInternalName(name)
}

/** @throws MR_CONFIG if one of the topics is internal */
export function requireWritable(names: readonly string[], streams: CompanionHost): void {
  const own = ownTopics(streams)
  const internal = names.find((name) => isInternal(name, own))
  if (internal === undefined) return
  throw new MillraceError('MR_CONFIG', `serve() got the internal topic ${internal} in writableTopics`, {
    hint: 'Name topics that applications read: internal topics are not written through HTTP.',
  })
}

/** Returns the topics of an application whose names are known before it runs. */
export function ownTopics({ app, topology }: CompanionHost): ReadonlyMap<string, OwnTopic> {
  const topics = new Map<string, OwnTopic>()
  const nodes = topology.subtopologies.flatMap((each) => each.nodes)
  for (const node of nodes) {
    if (node.kind !== 'source' || node.internal) continue
    const serdes = { key: node.keySerde, value: node.valueSerde }
    for (const name of node.topics) topics.set(name, { kind: 'source', serdes, partitioner: undefined })
  }
  for (const node of nodes) {
    if (node.kind !== 'sink' || node.internal || typeof node.topic !== 'string') continue
    const { kind = 'sink', serdes = { key: node.keySerde, value: node.valueSerde } } = topics.get(node.topic) ?? {}
    topics.set(node.topic, { kind, serdes, partitioner: node.partitioner })
  }
  const without = { serdes: undefined, partitioner: undefined }
  for (const name of internalTopicsOf(topology, app.id)) topics.set(name, { kind: 'internal', ...without })
  const letters = app.settings.deadLetterTopic
  if (letters !== undefined && !topics.has(letters)) topics.set(letters, { kind: 'dead-letters', ...without })
  return topics
}
