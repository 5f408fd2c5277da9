import { MillraceError } from '../../errors/millrace-error.ts'
import type { CommittedOffset, PartitionMap } from '../../log/log.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import type { ByteBudget, StoreCounts } from '../../state/environment.ts'
import { changelogTopicName } from '../../topology/internal-topic-names.ts'
import type { TopologyStore } from '../../topology/topology.ts'
import type { ThreadCounters } from '../counters/thread-counters.ts'
import type { Changelog, Task, TaskInput } from '../task/task.ts'
import { LEAST_ENGINE, type MemoryShare } from '../memory/memory-budget.ts'
import { openState } from '../state-directory/open-state.ts'
import {
  DEFAULT_TOMBSTONE_RETENTION,
  missingChangelog,
  planRestore,
  replacedChangelog,
  type RestoreJob,
} from '../restore/restore-job.ts'
import { SourceReplay } from '../restore/source-replay.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import { sourceTopics } from '../task/task-wiring.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'

type TaskOpenerOptions = Pick<TaskManagerOptions, 'app' | 'topology' | 'log' | 'home' | 'clock'>

/** Opens the state of tasks, active and standby, and works out what has to be replayed into it. */
export class TaskOpener {
  readonly #options: TaskOpenerOptions
  readonly #memory: MemoryShare
  readonly #counters: ThreadCounters
  /** What all tasks of the thread hold back together. */
  readonly #held: ByteBudget = { bytes: 0 }

  constructor(options: TaskOpenerOptions, memory: MemoryShare, counters: ThreadCounters) {
    this.#options = options
    this.#memory = memory
    this.#counters = counters
  }

  /** Opens the stores; they may be open if it throws. @throws MR_STATE_…, MR_TOPIC_UNKNOWN, MR_INTERNAL_TOPIC */
  *open(task: Task): Steps<void> {
    const { app, home } = this.#options
    const memory = this.#memory
    const { logger, compatible } = app.settings
    const { record, drops } = task
    const stores = this.#storesOf(task)
    const environment = {
      task: task.id,
      record,
      drop: (reason: DropReason, store: string): void => drops.drop(reason, 'store', store),
      counts: (store: string): StoreCounts => this.#counters.countsOf(store),
      cacheBytes: memory.parts.cache,
      held: this.#held,
      residentBytes: memory.entries,
      compatible,
    }
    const specs = stores.map(({ spec }) => spec)
    const unlogged = stores.filter(({ spec, changelog }) => spec.persistent && changelog === null)
    const names = unlogged.map(({ spec }) => spec.name)
    const engine = stores.length === 0 ? LEAST_ENGINE : memory.engine
    task.open(yield* openState(home, specs, names, environment, app.id, engine, logger))
    yield* this.#describe(task, stores)
  }

  /** Bytes that caches of the thread's tasks hold back. */
  get held(): number {
    return this.#held.bytes
  }

  /** Divides the memory among these tasks, so that the open ones leave enough to those that are opened next. */
  *divideMemory(tasks: Iterable<Task>): Steps<void> {
    const stateful = [...tasks].filter((task) => this.#storesOf(task).length > 0)
    if (!this.#memory.divideAmong(stateful.length)) return
    for (const task of stateful) {
      if (!task.isOpen) continue
      task.stores.limitEntries(this.#memory.entries)
      task.stores.suspendReads()
      yield* wait(this.#options.home.resize(task.id, this.#memory.engine))
      task.stores.resumeReads()
    }
  }

  *close(task: Task): Steps<void> {
    try {
      yield* wait(task.closeStores())
    } finally {
      this.#options.home.release(task.id)
    }
  }

  #storesOf({ subtopologies }: Task): TopologyStore[] {
    const { topology } = this.#options
    return subtopologies.flatMap(({ stores }) =>
      stores.flatMap((name) => {
        const store = topology.stores.get(name)
        return store === undefined || store.global ? [] : [store]
      }),
    )
  }

  /** @throws MR_TOPIC_UNKNOWN, MR_INTERNAL_TOPIC */
  *#describe(task: Task, stores: readonly TopologyStore[]): Steps<void> {
    const { app, log } = this.#options
    const { id, partition, subtopologies } = task
    const inputTopics = subtopologies.flatMap(({ nodes }) =>
      nodes.flatMap((node) => (node.kind === 'source' ? sourceTopics(app.id, node) : [])),
    )
    const changelogTopics = new Map<TopologyStore, string>()
    for (const store of stores) {
      const { changelog, spec } = store
      if (changelog === null) continue
      changelogTopics.set(store, changelog.kind === 'source' ? changelog.topic : changelogTopicName(app.id, spec.name))
    }
    const described = yield* wait(log.describeTopics([...new Set([...inputTopics, ...changelogTopics.values()])]))
    const inputs: TaskInput[] = []
    for (const topic of inputTopics) {
      const description = described.get(topic)
      if (description === undefined) throw missingTopic(topic, id)
      if (partition < description.partitions) inputs.push({ topic, partition, topicId: description.id })
    }
    const changelogs = new Map<string, Changelog>()
    for (const [{ changelog, spec }, topic] of changelogTopics) {
      const topicId = described.get(topic)?.id
      if (topicId === undefined) throw missingChangelog(topic, spec.name, id)
      changelogs.set(spec.name, { topic, topicId, partition, source: changelog?.kind === 'source' })
    }
    task.inputs = inputs
    task.changelogs = changelogs
  }

  /**
   * What is to be replayed into the task's stores before it can run or, for a standby, for ever. Stores whose
   * checkpoint is of no use are wiped.
   *
   * @param committed offsets of source topics that serve as changelogs: no record after them may be in the store
   */
  *restoreJobs(task: Task, committed: PartitionMap<CommittedOffset>): Steps<RestoreJob[]> {
    const { app, log, clock } = this.#options
    const { id, stores: state, changelogs } = task
    const follows = !task.isActive
    const partitions = [...changelogs.values()].map(({ topic, partition }) => ({ topic, partition }))
    if (partitions.length === 0) return []
    const earliest = yield* wait(log.listOffsets(partitions, 'earliest'))
    const latest = yield* wait(log.listOffsets(partitions, 'latest'))
    const jobs: RestoreJob[] = []
    for (const [store, { topic, topicId, partition, source }] of changelogs) {
      const first = earliest.get(topic, partition) ?? 0
      const end = source ? (committed.get(topic, partition)?.offset ?? first) : (latest.get(topic, partition) ?? first)
      const tombstoneRetention = this.#tombstoneRetentionOf(store)
      const range = { topicId, earliest: first, end, tombstoneRetention }
      const { wipe, isReplaced, ...plan } = planRestore(state.checkpoint(store), range, clock.now())
      if (isReplaced && !source && !follows && hasProgress(task, committed)) throw replacedChangelog(topic, store, id)
      if (wipe !== undefined) {
        app.settings.logger.warn(
          { task: id, store, reason: wipe },
          'the store is wiped and restored from its changelog',
        )
        yield* wait(state.wipe(store))
      }
      if (plan.from >= end && !follows) continue
      const replay = source ? this.#replayOf(task, store, topic) : undefined
      const limit = follows && !source ? Infinity : end
      jobs.push({ task: id, store, state, topic, topicId, partition, ...plan, end: limit, follows, replay })
    }
    return jobs
  }

  #tombstoneRetentionOf(store: string): number {
    const { topology } = this.#options
    const config = topology.stores.get(store)?.changelogConfigs.find(([name]) => name === 'delete.retention.ms')
    return config === undefined ? DEFAULT_TOMBSTONE_RETENTION : Number(config[1])
  }

  #replayOf({ subtopologies, partition }: Task, store: string, topic: string): SourceReplay | undefined {
    const { app, topology } = this.#options
    const spec = topology.stores.get(store)?.spec
    const maySkip = app.settings.onDeserializationError !== 'fail'
    for (const { nodes } of subtopologies) {
      for (const node of nodes) {
        if (spec === undefined || node.kind !== 'source' || !node.topics.includes(topic)) continue
        return new SourceReplay(node, spec, topic, partition, maySkip)
      }
    }
    return undefined
  }
}

function missingTopic(topic: string, task: string): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', `the topic "${topic}" does not exist`, {
    topic,
    task,
    hint: 'Create it. An application that was running goes on by itself; one that is only starting ends.',
  })
}

/** Whether any record of the inputs counts as processed. */
function hasProgress({ inputs }: Task, committed: PartitionMap<CommittedOffset>): boolean {
  return inputs.some(({ topic, partition }) => (committed.get(topic, partition)?.offset ?? 0) > 0)
}
