import { MillraceError } from '../../../errors/millrace-error.ts'
import type { MemberOptions, Route, SubtopologyDescription } from '../../../group/group.ts'
import type { TopicPartition } from '../../../log/log.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { pause } from '../../cluster/retry.ts'
import { topologyChanged } from '../member/member-errors.ts'
import { noTasks, sortedTasks, type Assignment } from '../member/tasks.ts'
import { encodeAssignment } from './consumer-protocol.ts'
import { planStep } from './plan.ts'
import { TaskList, type Tasks } from './task-list.ts'
import {
  decodeMember,
  encodeAssigned,
  textHash,
  type AssignmentData,
  type MemberData,
  type Problem,
} from './user-data.ts'

/** Time in ms for which a topic may be missing: a broker learns of new topics a little late. */
const patience = 500
const patiencePause = 50

/** A member as the leader gets it from the coordinator. */
export interface JoinedMember {
  readonly memberId: string
  readonly metadata: Buffer
}

export interface MemberAssignment {
  readonly memberId: string
  readonly assignment: Buffer
}

interface Participant {
  readonly memberId: string
  readonly data: MemberData
}

/** The member that the coordinator made the leader. It assigns the tasks of all members. */
export class GroupLeader {
  readonly #cluster: Cluster
  readonly #options: MemberOptions
  readonly #topology: string
  readonly #taskList: TaskList

  /** @param topology the `topologyHash` of this member */
  constructor(cluster: Cluster, options: MemberOptions, topology: string) {
    this.#cluster = cluster
    this.#options = options
    this.#topology = topology
    this.#taskList = new TaskList(cluster, options.subtopologies)
  }

  /**
   * Decides which tasks each member is to own now, and creates the internal topics that are missing.
   *
   * @throws MR_TOPOLOGY_CHANGED if the group runs another topology than this member, which cannot lead it then
   */
  async assign(joined: readonly JoinedMember[]): Promise<MemberAssignment[]> {
    const { participants, unreadable } = readMembers(joined)
    const outsiders = participants.filter(({ data }) => data.topology !== this.#groupTopology(participants))
    const insiders = participants.filter((participant) => !outsiders.includes(participant)).sort(byName)
    if (!insiders.some(({ data }) => data.topology === this.#topology)) throw this.#topologyChanged(insiders)
    const tasks = await this.#patientTasks()
    return [
      ...this.#assignments(insiders, tasks),
      ...outsiders.map(({ memberId }) => this.#refusal(memberId, this.#topologyChanged(insiders))),
      ...unreadable.map(({ memberId, error }) => this.#refusal(memberId, error)),
    ]
  }

  /** Whether the topics have changed since the tasks were assigned (`AssignmentData.topics`). */
  async isOutdated(topics: string): Promise<boolean> {
    return hashOf(await this.#taskList.find()) !== topics
  }

  /** Returns the topology of the earlier members: a newcomer with another one must not take the group over. */
  #groupTopology(participants: readonly Participant[]): string {
    let oldest: MemberData | undefined
    for (const { data } of participants) {
      if (data.generation >= 0 && (oldest === undefined || data.generation > oldest.generation)) oldest = data
    }
    return oldest?.topology ?? this.#topology
  }

  async #patientTasks(): Promise<Tasks> {
    const { clock } = this.#cluster.options
    const deadline = clock.monotonic() + patience
    for (;;) {
      const tasks = await this.#taskList.find()
      const mayBeNew = tasks instanceof MillraceError && tasks.code === 'MR_TOPIC_UNKNOWN'
      if (!mayBeNew || clock.monotonic() >= deadline || this.#cluster.closed.aborted) return tasks
      await pause(clock, patiencePause, this.#cluster.closed)
    }
  }

  #assignments(members: readonly Participant[], tasks: Tasks): MemberAssignment[] {
    const isShuttingDown = members.some(({ data }) => data.isShuttingDown)
    const common = { topology: this.#topology, topics: hashOf(tasks), isShuttingDown }
    if (tasks instanceof MillraceError) {
      const problem = problemOf('waiting', tasks)
      const endpoints = routesTo(members, ({ data }) => data.claimed)
      return members.map(({ memberId, data }) => {
        const kept = { ...common, tasks: data.claimed, mustRejoin: false, isTransitional: true, problem, endpoints }
        return this.#encoded(memberId, kept, undefined)
      })
    }
    const stateful = new Set(this.#options.subtopologies.filter(hasState).map(({ id }) => id))
    const replicas = Math.max(...members.map(({ data }) => data.standbyReplicas))
    const claimants = members.map(({ data }) => data)
    const plan = planStep(tasks.tasks, (id) => stateful.has(id), claimants, replicas)
    const isTransitional = plan.some(({ mustRejoin }) => mustRejoin)
    const endpoints = routesTo(members, (_, index) => plan[index]!.tasks)
    return members.map(({ memberId }, index) => {
      const data = { ...common, ...plan[index]!, isTransitional, problem: undefined, endpoints }
      return this.#encoded(memberId, data, tasks)
    })
  }

  #refusal(memberId: string, error: MillraceError): MemberAssignment {
    return this.#encoded(
      memberId,
      {
        topology: this.#topology,
        topics: '',
        tasks: noTasks,
        mustRejoin: false,
        isTransitional: false,
        isShuttingDown: false,
        problem: problemOf('failed', error),
        endpoints: undefined,
      },
      undefined,
    )
  }

  #encoded(memberId: string, data: AssignmentData, tasks: Exclude<Tasks, MillraceError> | undefined): MemberAssignment {
    const partitions = tasks === undefined ? [] : this.#partitionsOf(data.tasks, tasks.counts)
    return { memberId, assignment: encodeAssignment(partitions, encodeAssigned(data)) }
  }

  /** Returns the partitions that the active tasks read, for Kafka's tools to show. */
  #partitionsOf({ active }: Assignment, counts: ReadonlyMap<string, number>): TopicPartition[] {
    const partitions: TopicPartition[] = []
    for (const { subtopology, partition } of active.values()) {
      for (const topic of sourceTopicsOf(this.#options.subtopologies, subtopology)) {
        if (partition < (counts.get(topic) ?? 0)) partitions.push({ topic, partition })
      }
    }
    return partitions
  }

  #topologyChanged(members: readonly Participant[]): MillraceError {
    const names = members.map(({ data }) => data.clientId)
    return topologyChanged(this.#cluster, this.#options.groupId, names, 'kafka-consumer-groups.sh')
  }
}

function readMembers(joined: readonly JoinedMember[]): {
  participants: Participant[]
  unreadable: { memberId: string; error: MillraceError }[]
} {
  const participants: Participant[] = []
  const unreadable: { memberId: string; error: MillraceError }[] = []
  for (const { memberId, metadata } of joined) {
    try {
      participants.push({ memberId, data: decodeMember(metadata) })
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      unreadable.push({ memberId, error })
    }
  }
  return { participants, unreadable }
}

/** Returns undefined if no member has an endpoint. */
function routesTo(
  members: readonly Participant[],
  tasksOf: (member: Participant, index: number) => Assignment,
): Route[] | undefined {
  const routes = members.flatMap((member, index) => {
    const { endpoint } = member.data
    if (endpoint === undefined) return []
    const { active, standby } = tasksOf(member, index)
    return [{ endpoint, active: sortedTasks(active), standby: sortedTasks(standby) }]
  })
  return routes.length === 0 ? undefined : routes
}

function problemOf(type: Problem['type'], { code, message, topic, hint }: MillraceError): Problem {
  return { type, code, message, topic, hint }
}

function hashOf(tasks: Tasks): string {
  return textHash(tasks instanceof MillraceError ? tasks.message : JSON.stringify([...tasks.counts]))
}

function hasState({ changelogTopics }: SubtopologyDescription): boolean {
  return changelogTopics.length > 0
}

function sourceTopicsOf(subtopologies: readonly SubtopologyDescription[], id: number): string[] {
  const subtopology = subtopologies.find((other) => other.id === id)
  if (subtopology === undefined) return []
  return [...subtopology.sourceTopics, ...subtopology.repartitionSourceTopics.map(({ name }) => name)]
}

function byName(left: Participant, right: Participant): number {
  const [a, b] = [`${left.data.clientId} ${left.memberId}`, `${right.data.clientId} ${right.memberId}`]
  return a < b ? -1 : a > b ? 1 : 0
}
