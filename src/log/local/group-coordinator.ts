import { MillraceError } from '../../errors/millrace-error.ts'
import { taskIdText, type SubtopologyDescription, type TaskId } from '../../group/group.ts'
import type { CommittedOffset, PartitionMap, TopicSpec } from '../log.ts'
import type { Clock } from '../../platform/clock.ts'
import { assignTasks, compareTasks, type TargetAssignment } from '../../group/assign-tasks.ts'
import { mergeInstances, type GroupInstance } from '../../group/group-instances.ts'
import type { GroupMemberDescription } from '../admin.ts'
import { compareMembers, partitionsOf } from '../group-partitions.ts'
import type { LocalMember } from './local-member.ts'
import { resolveTopology } from '../../group/resolve-topology.ts'

export interface CoordinatorHost {
  readonly clock: Clock
  partitionsOf(topic: string): number | undefined
  createInternalTopics(topics: readonly TopicSpec[]): void
}

/**
 * The coordinator of one group of a local log. It does for members in this process what Kafka's coordinator does for a
 * streams group (KIP-1071). A task moves in three steps: its owner is notified of the revocation, the owner
 * acknowledges, and the new owner is notified. An owner that does not acknowledge within its rebalance timeout loses
 * its membership.
 *
 * A changed topology is accepted as soon as no member with the old one is left; offsets stay. Until then members with
 * the new one wait.
 */
export class GroupCoordinator {
  readonly groupId: string
  readonly #host: CoordinatorHost
  #members: LocalMember[] = []
  /** Members with another topology than that of the current members. */
  #waiting: LocalMember[] = []
  #topology = ''
  #targets = new Map<LocalMember, TargetAssignment>()
  #isShuttingDown = false
  /** True while nothing can be assigned: topics are missing or not co-partitioned. */
  #isNotReady = false

  constructor(groupId: string, host: CoordinatorHost) {
    this.groupId = groupId
    this.#host = host
  }

  get memberNames(): readonly string[] {
    return [...this.#members, ...this.#waiting].map((member) => member.name)
  }

  /** The state, as Kafka names those of a streams group (KIP-1071). */
  get state(): string {
    if (this.#members.length === 0) return 'Empty'
    if (this.#isNotReady) return 'NotReady'
    const isMoving = this.#members.some((member) => member.outstanding !== undefined || member.needsAssigned)
    return isMoving ? 'Reconciling' : 'Stable'
  }

  /** Returns the members with the partitions of their active tasks. */
  describeMembers(): readonly GroupMemberDescription[] {
    return [...this.#members, ...this.#waiting]
      .map((member) => ({
        memberId: member.name,
        instanceId: member.options.instanceId,
        clientId: member.name,
        host: 'localhost',
        partitions: partitionsOf(
          member.options.subtopologies.map(({ id, sourceTopics, repartitionSourceTopics }) => ({
            id,
            sourceTopics,
            repartitionSourceTopics: repartitionSourceTopics.map(({ name }) => name),
          })),
          [...member.active.values()],
          (topic) => this.#host.partitionsOf(topic) ?? 0,
        ),
      }))
      .sort(compareMembers)
  }

  /** Returns whether a member reads a topic. */
  reads(topic: string): boolean {
    return [...this.#members, ...this.#waiting].some(({ options }) =>
      options.subtopologies.some((subtopology) => isSourceOf(subtopology, topic)),
    )
  }

  get instances(): readonly GroupInstance[] {
    return mergeInstances(
      [...this.#members, ...this.#waiting].map(({ processId, options, active, standby }) => ({
        processId,
        endpoint: options.endpoint,
        active: [...active.values()],
        standby: [...standby.values()],
      })),
    )
  }

  join(member: LocalMember): void {
    if (this.#members.includes(member) || this.#waiting.includes(member)) return
    const topology = topologyText(member)
    if (this.#members.length > 0 && topology !== this.#topology) {
      this.#waiting.push(member)
      member.notifyWaiting(topologyChanged(this.groupId, this.#members))
      return
    }
    this.#topology = topology
    this.#members.push(member)
    if (this.#isShuttingDown) member.notify({ type: 'shutdown' })
    this.#rebalance()
  }

  leave(member: LocalMember): void {
    this.#remove(member)
  }

  /** Ends a member whose identity a newer client took over. */
  fence(member: LocalMember, error: MillraceError): void {
    member.end()
    this.#remove(member)
    member.notify({ type: 'failed', error })
  }

  /** Takes the membership away. The member joins again when it takes the event. */
  expel(member: LocalMember, reason: string): void {
    if (!this.#members.includes(member) && !this.#waiting.includes(member)) return
    this.#remove(member)
    member.notify({ type: 'lost', reason })
  }

  acknowledged(member: LocalMember): void {
    const event = member.outstanding
    if (event === undefined) return
    member.outstanding = undefined
    if (event.type === 'revoked') {
      member.revocationTimer?.cancel()
      member.revocationTimer = undefined
      for (const task of event.active) member.active.delete(taskIdText(task))
      for (const task of event.standby) member.standby.delete(taskIdText(task))
      member.needsAssigned = true
    }
    this.#reconcile()
  }

  shutdown(): void {
    this.#isShuttingDown = true
    for (const member of this.#members) member.notify({ type: 'shutdown' })
  }

  /** Assigns again after topics were created: members may have waited for them, and one may be a source topic. */
  topicsChanged(): void {
    if (this.#members.length > 0) this.#rebalance()
  }

  /** @throws MR_FENCED if the member may not commit offsets of one of these partitions */
  assertMayCommit(member: LocalMember, offsets: PartitionMap<CommittedOffset>): void {
    if (offsets.size === 0 || (this.#members.length === 0 && this.#waiting.length === 0)) return
    if (!this.#members.includes(member)) throw fenced(member, 'it is not a member of the group')
    for (const [topic, partition] of offsets.entries()) {
      if (!this.#ownsInput(member, topic, partition)) {
        throw fenced(member, 'it does not own the task of this partition', topic, partition)
      }
    }
  }

  /** @throws MR_FENCED if the member has lost its membership and has not taken the event yet */
  assertNoPendingLoss(member: LocalMember): void {
    if (member.hasPendingLoss) throw fenced(member, 'it has lost its membership')
  }

  #ownsInput(member: LocalMember, topic: string, partition: number): boolean {
    return member.options.subtopologies.some(
      (subtopology) =>
        member.active.has(taskIdText({ subtopology: subtopology.id, partition })) && isSourceOf(subtopology, topic),
    )
  }

  #remove(member: LocalMember): void {
    const wasMember = this.#members.includes(member)
    this.#members = this.#members.filter((other) => other !== member)
    this.#waiting = this.#waiting.filter((other) => other !== member)
    member.forget()
    if (!wasMember) return
    if (this.#members.length > 0) this.#rebalance()
    else this.#emptied()
  }

  #emptied(): void {
    this.#targets.clear()
    this.#isShuttingDown = false
    const waiting = this.#waiting
    this.#waiting = []
    for (const member of waiting) this.join(member)
  }

  #rebalance(): void {
    let tasks: readonly TaskId[]
    try {
      tasks = this.#resolve()
      this.#isNotReady = false
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      this.#isNotReady = true
      for (const member of this.#members) member.notifyWaiting(error)
      return
    }
    for (const member of this.#members) member.notifyResumed()
    const stateful = new Set<number>()
    const { subtopologies } = this.#members[0]!.options
    for (const subtopology of subtopologies) if (subtopology.changelogTopics.length > 0) stateful.add(subtopology.id)
    const replicas = Math.max(...this.#members.map((member) => member.options.standbyReplicas))
    const targets = assignTasks(tasks, (id) => stateful.has(id), this.#members, replicas)
    this.#targets = new Map(this.#members.map((member, index) => [member, targets[index]!]))
    this.#reconcile()
  }

  #resolve(): readonly TaskId[] {
    const { internalTopics, tasks } = resolveTopology(this.#members[0]!.options.subtopologies, (topic) =>
      this.#host.partitionsOf(topic),
    )
    const missing = internalTopics.filter((topic) => !topic.exists)
    if (missing.length > 0) {
      this.#host.createInternalTopics(
        missing.map(({ topic, partitions }) => ({
          name: topic.name,
          partitions,
          replicationFactor: topic.replicationFactor,
          configs: Object.fromEntries(topic.configs),
        })),
      )
    }
    return tasks
  }

  /** Notifies each member that has nothing outstanding of its next step towards its target. */
  #reconcile(): void {
    for (const member of this.#members) {
      const target = this.#targets.get(member)
      if (target === undefined || member.outstanding !== undefined) continue
      const active = tasksNotIn(member.active, target.active)
      const standby = tasksNotIn(member.standby, target.standby)
      if (active.length > 0 || standby.length > 0) this.#revoke(member, active, standby)
      else this.#assign(member, target)
    }
  }

  #revoke(member: LocalMember, active: readonly TaskId[], standby: readonly TaskId[]): void {
    member.revocationTimer = this.#host.clock.schedule(member.options.rebalanceTimeout, () =>
      this.expel(member, `tasks were not given up within ${member.options.rebalanceTimeout} ms`),
    )
    member.notify({ type: 'revoked', active, standby })
  }

  #assign(member: LocalMember, target: TargetAssignment): void {
    for (const [text, task] of target.active) {
      if (member.active.has(text) || this.#isHeld(text, member, false)) continue
      member.active.set(text, task)
      member.needsAssigned = true
    }
    for (const [text, task] of target.standby) {
      if (member.standby.has(text) || this.#isHeld(text, member, true)) continue
      member.standby.set(text, task)
      member.needsAssigned = true
    }
    if (!member.needsAssigned) return
    member.needsAssigned = false
    member.notify({
      type: 'assigned',
      active: [...member.active.values()].sort(compareTasks),
      standby: [...member.standby.values()].sort(compareTasks),
    })
  }

  /** Returns whether a task is taken: an active task has one owner, and a process opens a task's directory once. */
  #isHeld(text: string, member: LocalMember, asStandby: boolean): boolean {
    return this.#members.some((other) => {
      const sameProcess = other.options.processId === member.options.processId
      return (other.active.has(text) && (!asStandby || sameProcess)) || (sameProcess && other.standby.has(text))
    })
  }
}

function isSourceOf(subtopology: SubtopologyDescription, topic: string): boolean {
  return (
    subtopology.sourceTopics.includes(topic) ||
    subtopology.repartitionSourceTopics.some((other) => other.name === topic)
  )
}

function tasksNotIn(held: ReadonlyMap<string, TaskId>, wanted: ReadonlyMap<string, TaskId>): TaskId[] {
  return [...held].filter(([text]) => !wanted.has(text)).map(([, task]) => task)
}

function topologyText(member: LocalMember): string {
  return JSON.stringify(member.options.subtopologies)
}

function topologyChanged(groupId: string, members: readonly LocalMember[]): MillraceError {
  return new MillraceError(
    'MR_TOPOLOGY_CHANGED',
    `group '${groupId}' runs another topology in ${members.map((member) => member.name).join(', ')}`,
    { hint: 'Stop every instance that runs the old topology. Committed offsets are kept.' },
  )
}

function fenced(member: LocalMember, why: string, topic?: string, partition?: number): MillraceError {
  return new MillraceError('MR_FENCED', `${member.name} is refused: ${why}`, {
    topic,
    partition,
    hint: 'Close the tasks without committing, and wait for the next assignment.',
  })
}
