import { MillraceError } from '../errors/millrace-error.ts'
import type { Log } from '../log/log.ts'
import type { MaybePromise } from '../platform/maybe-promise.ts'
import { partitionForKey } from '../record/murmur2.ts'
import { internalTopicName } from '../topology/internal-topic-names.ts'
import type { SourceNode, StreamPartitioner, Subtopology, Topology } from '../topology/topology.ts'
import { inTime, rest, type Patience } from './ask.ts'

/** Where the keys of a store are: the topic that the tasks with the store read. */
export interface StorePartitions {
  /** Number of tasks that have the store. */
  readonly tasks: number
  /** Returns the partition of a key. `value` is the key before it was serialized. */
  partitionOf(key: Buffer, value: unknown): number
}

/** ms between two looks for topics. */
const PAUSE = 100

/** Finds the partitions of keys as the producers of Millrace do. */
export class PartitionFinder {
  readonly #topology: Topology
  readonly #applicationId: string
  readonly #log: Pick<Log, 'describeTopics'>
  /** By store. The number of partitions of a task never changes. */
  readonly #known = new Map<string, StorePartitions>()

  /** The looks that are under way, by store: many keys may be asked for at once. */
  readonly #finding = new Map<string, Promise<StorePartitions | undefined>>()

  constructor(topology: Topology, applicationId: string, log: Pick<Log, 'describeTopics'>) {
    this.#topology = topology
    this.#applicationId = applicationId
    this.#log = log
  }

  /**
   * Looks at the topics once, and waits for those that the group has yet to create.
   *
   * @param store of the topology, not global
   * @throws MR_QUERY_REBALANCING if there is no task with the store in time
   */
  of(store: string, patience: Patience): MaybePromise<StorePartitions> {
    return this.#known.get(store) ?? this.#look(store, patience)
  }

  async #look(store: string, patience: Patience): Promise<StorePartitions> {
    const { clock, timeout, signal } = patience
    const deadline = clock.monotonic() + timeout
    for (;;) {
      signal?.throwIfAborted()
      const found = await inTime(this.#findOnce(store), { store }, patience, deadline)
      if (found !== undefined) {
        this.#known.set(store, found)
        return found
      }
      if (clock.monotonic() + PAUSE >= deadline) throw noTask(store)
      await rest(PAUSE, patience)
    }
  }

  #findOnce(store: string): Promise<StorePartitions | undefined> {
    let finding = this.#finding.get(store)
    if (finding === undefined) {
      finding = this.#find(store).finally(() => this.#finding.delete(store))
      this.#finding.set(store, finding)
    }
    return finding
  }

  /** Returns undefined while the topics of the tasks do not exist. */
  async #find(store: string): Promise<StorePartitions | undefined> {
    const subtopology = this.#topology.subtopologies.find(({ stores }) => stores.includes(store))
    if (subtopology === undefined) return undefined
    const counts = await this.#counts(subtopology)
    if ([...counts.values()].includes(0)) return undefined
    const tasks = Math.max(...counts.values())
    const source = feedingSource(subtopology, store)
    const [name = ''] = source?.topics ?? []
    const topic = source === undefined ? '' : this.#fullName(source, name)
    const count = counts.get(topic) ?? tasks
    const partitioner = source?.internal === true ? this.#partitionerOf(name) : undefined
    return {
      tasks,
      partitionOf: (key, value) => {
        const chosen = partitioner?.(topic, value, undefined, count)
        return typeof chosen === 'number' ? chosen : partitionForKey(key, 0, key.length, count)
      },
    }
  }

  /** Returns the partitions of the topics that the tasks read; 0 of one that does not exist. */
  async #counts({ nodes }: Subtopology): Promise<ReadonlyMap<string, number>> {
    const topics = nodes.flatMap((node) =>
      node.kind === 'source' ? node.topics.map((topic) => this.#fullName(node, topic)) : [],
    )
    const described = await this.#log.describeTopics(topics)
    return new Map(topics.map((topic) => [topic, described.get(topic)?.partitions ?? 0]))
  }

  #fullName({ internal }: SourceNode, topic: string): string {
    return internal ? internalTopicName(this.#applicationId, topic) : topic
  }

  /** Returns the partitioner of those who write to a repartition topic, if they have one. */
  #partitionerOf(topic: string): StreamPartitioner | undefined {
    for (const { nodes } of this.#topology.subtopologies) {
      for (const node of nodes) {
        if (node.kind === 'sink' && node.internal && node.topic === topic && node.partitioner !== undefined)
          return node.partitioner
      }
    }
    return undefined
  }
}

/** Returns the source from which the keys of a store come. */
function feedingSource({ nodes }: Subtopology, store: string): SourceNode | undefined {
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const open = nodes.flatMap((node) => (node.kind === 'processor' && node.stores.includes(store) ? [node] : []))
  for (const { parents } of open) {
    for (const name of parents) {
      const parent = byName.get(name)
      if (parent?.kind === 'source') return parent
      if (parent?.kind === 'processor' && !open.includes(parent)) open.push(parent)
    }
  }
  return undefined
}

function noTask(store: string): MillraceError {
  return new MillraceError('MR_QUERY_REBALANCING', 'the topics that the tasks of the store read do not exist yet', {
    store,
    hint: 'Ask again when the application is running.',
  })
}
