import { createHash } from 'node:crypto'
import { MillraceError } from '../../../errors/millrace-error.ts'
import {
  taskIdText,
  type Endpoint,
  type Route,
  type SubtopologyDescription,
  type TaskId,
} from '../../../group/group.ts'
import { sortedTasks, type Assignment, type TaskSet } from '../member/tasks.ts'
import { protocolSubtopologies } from '../member/protocol-subtopologies.ts'
import { assignmentUserData, subscriptionUserData } from './consumer-protocol.ts'

/** A format that older members cannot read needs another name: the coordinator chooses one that all members offer. */
export const protocolName = 'millrace'

const version = 1

/** The data that a member sends to the leader when it joins. */
export interface MemberData {
  readonly processId: string
  readonly clientId: string
  /** The `topologyHash` of the member. */
  readonly topology: string
  /** The last generation that assigned it the tasks that it claims; -1 if it is new. */
  readonly generation: number
  /** The tasks that its thread owns, or may take at any moment. */
  readonly claimed: Assignment
  /** Tasks whose state is on the disk of its process. */
  readonly stored: TaskSet
  readonly standbyReplicas: number
  /** It asks every member to shut down, or was asked itself. */
  readonly isShuttingDown: boolean
  /** Raised to make the group rebalance: the coordinator ignores a join that brings nothing new. */
  readonly request: number
  /** Where others reach its process. Earlier versions of Millrace have none. */
  readonly endpoint: Endpoint | undefined
}

/** The data that the leader sends to a member. */
export interface AssignmentData {
  /** The `topologyHash` to which the tasks belong. */
  readonly topology: string
  readonly tasks: Assignment
  /** The `textHash` of the topics as they were. When it has changed, the tasks must be assigned again. */
  readonly topics: string
  /** Others wait for tasks that this member gives up: it must join again once it has done so. */
  readonly mustRejoin: boolean
  /** Some tasks are still being given up: the next rebalance will follow soon. */
  readonly isTransitional: boolean
  readonly isShuttingDown: boolean
  /** Why there are no tasks, or why this member gets none. */
  readonly problem: Problem | undefined
  /** All members that have an endpoint; undefined if none has one, or the leader is of an earlier version. */
  readonly endpoints: readonly Route[] | undefined
}

export interface Problem {
  /** `waiting`: it may pass. `failed`: the member cannot go on. */
  readonly type: 'waiting' | 'failed'
  readonly code: string
  readonly message: string
  readonly topic: string | undefined
  readonly hint: string | undefined
}

/** Returns a text that is the same for two members if and only if they run the same topology. */
export function topologyHash(subtopologies: readonly SubtopologyDescription[]): string {
  return textHash(JSON.stringify(protocolSubtopologies(subtopologies)))
}

export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

export function encodeMember(data: MemberData): Buffer {
  return encode({
    process: data.processId,
    client: data.clientId,
    topology: data.topology,
    generation: data.generation,
    active: partitionLists(data.claimed.active.values()),
    standby: partitionLists(data.claimed.standby.values()),
    stored: partitionLists(data.stored.values()),
    replicas: data.standbyReplicas,
    shutdown: data.isShuttingDown,
    request: data.request,
    endpoint: data.endpoint,
  })
}

/** @throws MR_GROUP_PROTOCOL if a member of another version of Millrace, or something else, wrote it */
export function decodeMember(subscription: Buffer): MemberData {
  return decode(subscription, subscriptionUserData, (fields) => ({
    processId: text(fields['process']),
    clientId: text(fields['client']),
    topology: text(fields['topology']),
    generation: integer(fields['generation']),
    claimed: { active: taskSet(fields['active']), standby: taskSet(fields['standby']) },
    stored: taskSet(fields['stored']),
    standbyReplicas: integer(fields['replicas']),
    isShuttingDown: fields['shutdown'] === true,
    request: integer(fields['request']),
    endpoint: optional(fields['endpoint'], text),
  }))
}

export function encodeAssigned(data: AssignmentData): Buffer {
  return encode({
    topology: data.topology,
    active: partitionLists(data.tasks.active.values()),
    standby: partitionLists(data.tasks.standby.values()),
    topics: data.topics,
    rejoin: data.mustRejoin,
    transitional: data.isTransitional,
    shutdown: data.isShuttingDown,
    problem: data.problem,
    endpoints: data.endpoints?.map(({ endpoint, active, standby }) => ({
      endpoint,
      active: partitionLists(active),
      standby: partitionLists(standby),
    })),
  })
}

/** @throws MR_GROUP_PROTOCOL if a leader of another version of Millrace, or something else, wrote it */
export function decodeAssigned(assignment: Buffer): AssignmentData {
  return decode(assignment, assignmentUserData, (fields) => ({
    topology: text(fields['topology']),
    tasks: { active: taskSet(fields['active']), standby: taskSet(fields['standby']) },
    topics: text(fields['topics']),
    mustRejoin: fields['rejoin'] === true,
    isTransitional: fields['transitional'] === true,
    isShuttingDown: fields['shutdown'] === true,
    problem: optional(fields['problem'], problem),
    endpoints: optional(fields['endpoints'], routes),
  }))
}

export function taskSetOf(tasks: Iterable<TaskId>): TaskSet {
  const set = new Map<string, TaskId>()
  for (const task of tasks) set.set(taskIdText(task), task)
  return set
}

function encode(fields: object): Buffer {
  return Buffer.from(JSON.stringify({ version, ...fields }))
}

type Fields = Readonly<Record<string, unknown>>

function decode<T>(envelope: Buffer, userData: (envelope: Buffer) => Buffer, read: (fields: Fields) => T): T {
  try {
    const fields = record(JSON.parse(userData(envelope).toString('utf8')))
    if (fields['version'] !== version) throw new TypeError(`version ${String(fields['version'])}`)
    return read(fields)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new MillraceError('MR_GROUP_PROTOCOL', `a member of the group sent data that cannot be read (${detail})`, {
      cause: error,
      hint: 'Run only versions of Millrace in one group that understand each other.',
    })
  }
}

function partitionLists(tasks: Iterable<TaskId>): Record<string, number[]> {
  const lists: Record<string, number[]> = {}
  for (const { subtopology, partition } of tasks) (lists[subtopology] ??= []).push(partition)
  return lists
}

function taskSet(value: unknown): TaskSet {
  const tasks: TaskId[] = []
  for (const [subtopology, partitions] of Object.entries(record(value))) {
    if (!Array.isArray(partitions)) throw new TypeError('no list of partitions')
    for (const partition of partitions)
      tasks.push({ subtopology: integer(Number(subtopology)), partition: integer(partition) })
  }
  return taskSetOf(tasks)
}

function problem(value: unknown): Problem {
  const { type, code, message, topic, hint } = record(value)
  return {
    type: type === 'failed' ? 'failed' : 'waiting',
    code: text(code),
    message: text(message),
    topic: optional(topic, text),
    hint: optional(hint, text),
  }
}

function routes(value: unknown): Route[] {
  if (!Array.isArray(value)) throw new TypeError('no list of endpoints')
  return value.map((each) => {
    const { endpoint, active, standby } = record(each)
    return {
      endpoint: text(endpoint),
      active: sortedTasks(taskSet(active)),
      standby: sortedTasks(taskSet(standby)),
    }
  })
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

function record(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new TypeError('no object')
  return { ...value }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text')
  return value
}

function integer(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new TypeError('no integer')
  return value
}
