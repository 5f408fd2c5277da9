import type { MaybePromise } from '../platform/maybe-promise.ts'
import { MillraceError } from '../errors/millrace-error.ts'

/** A task: one partition of one sub-topology, written `<subtopology>_<partition>`. */
export interface TaskId {
  readonly subtopology: number
  readonly partition: number
}

export function taskIdText(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`
}

/** Returns the task that a text names; `undefined` if it names none. */
export function parseTaskId(text: string): TaskId | undefined {
  const [, subtopology, partition] = /^(\d+)_(\d+)$/.exec(text) ?? []
  return subtopology === undefined ? undefined : { subtopology: Number(subtopology), partition: Number(partition) }
}

/** Where a process is reached, as `HOST:PORT` with an IPv6 address in brackets: what follows `http://` in a URL. */
export type Endpoint = string

/** The tasks of the members that are reached at one endpoint, as the group has assigned them. */
export interface Route {
  readonly endpoint: Endpoint
  readonly active: readonly TaskId[]
  readonly standby: readonly TaskId[]
}

/** An internal topic that the topology needs. */
export interface InternalTopic {
  readonly name: string
  /**
   * 0 if the group coordinator derives it: for a repartition topic from its writers and co-partitioned topics, for a
   * changelog from the number of tasks.
   */
  readonly partitions: number
  readonly replicationFactor: number
  /** Sorted by name: the streams protocol takes another order for another topology. */
  readonly configs: readonly (readonly [name: string, value: string])[]
}

/**
 * A sub-topology as far as its group must know it, to create internal topics, check co-partitioning and assign tasks
 * (KIP-1071, StreamsGroupHeartbeat). All lists are sorted.
 */
export interface SubtopologyDescription {
  readonly id: number
  readonly sourceTopics: readonly string[]
  readonly repartitionSourceTopics: readonly InternalTopic[]
  readonly repartitionSinkTopics: readonly string[]
  readonly changelogTopics: readonly InternalTopic[]
  /** Sets of source or repartition source topics that must have equal partition counts. */
  readonly copartitionGroups: readonly (readonly string[])[]
}

export interface MemberOptions {
  /** The application id. */
  readonly groupId: string
  /** Shared by all threads of one process; kept in the state directory. */
  readonly processId: string
  readonly subtopologies: readonly SubtopologyDescription[]
  /** Time in ms that a member may take to give up revoked tasks. */
  readonly rebalanceTimeout: number
  /** Number of standby replicas wanted of each stateful task. */
  readonly standbyReplicas: number
  /**
   * Name of this thread that outlives its disk and its process, if one is configured. A member that comes back under it
   * within the session timeout gets its tasks back without the others noticing. One that leaves keeps them that long
   * (KIP-345).
   */
  readonly instanceId?: string | undefined
  /**
   * Called at once, whatever the thread is waiting for, with the reason when no broker responds to the member, and with
   * `undefined` when one responds again. The member keeps trying by itself.
   */
  readonly onUnreachable?: ((reason: string | undefined) => void) | undefined
  /** Where other members reach the process of this one. They learn it when this one joins. */
  readonly endpoint?: Endpoint | undefined
  /**
   * Called at once, whatever the thread is waiting for, with the routes to all members that have an endpoint, this one
   * included, when they may have changed. Members learn of a change at different times, so a route is a hint. A task
   * that has none is on its way to another member, or with one that has no endpoint. Logs in one process never call it.
   */
  readonly onRoutes?: ((routes: readonly Route[]) => void) | undefined
  /** Tasks whose state was on the disk of this process when it started. */
  readonly storedTasks?: readonly TaskId[] | undefined
}

/**
 * An event by which the group notifies a member, in order. The stream thread takes events between two slices of work,
 * so that nothing changes under it. It acknowledges `revoked` and `assigned` when it has done what they ask.
 */
export type GroupEvent =
  /** Stop, commit and close these active tasks and standbys, then `acknowledge`. */
  | { readonly type: 'revoked'; readonly active: readonly TaskId[]; readonly standby: readonly TaskId[] }
  /** All tasks that this member owns from now on. */
  | { readonly type: 'assigned'; readonly active: readonly TaskId[]; readonly standby: readonly TaskId[] }
  /**
   * The membership is lost: close every active task without committing. The member joins again by itself.
   * `sessionTimeout` is the time in ms without a heartbeat after which the group gives a member up, if it does.
   */
  | { readonly type: 'lost'; readonly reason: string; readonly sessionTimeout?: number | undefined }
  /**
   * Nothing can be assigned yet. `error` says why: topics that are missing or not co-partitioned, members that run
   * another topology (MR_TOPOLOGY_CHANGED) or are of another kind (MR_GROUP_PROTOCOL). The same reason is not sent
   * twice in a row.
   */
  | { readonly type: 'waiting'; readonly error: MillraceError }
  /** The reason of the last `waiting` is gone. */
  | { readonly type: 'resumed' }
  /** A member asked the whole application to stop. */
  | { readonly type: 'shutdown' }
  /** The member cannot go on. */
  | { readonly type: 'failed'; readonly error: MillraceError }

export interface GroupMember {
  /**
   * Whether the group counts this member still, as far as it can know. If not, for instance after the process has stood
   * still for longer than the session timeout, its tasks may run elsewhere already, although no event has said so.
   */
  readonly isCurrent: boolean
  /** When the coordinator last acknowledged a heartbeat, by the monotonic clock. Absent where there are none. */
  readonly heardAt?: number | undefined
  /** Asks to become a member. What follows arrives as events. */
  join(): MaybePromise<void>
  /** Takes the next event; returns `undefined` if there is none. */
  nextEvent(): GroupEvent | undefined
  /** Sets what is called when there is an event to take. Replaces the last callback. */
  onEvent(wake: (() => void) | undefined): void
  /** Acknowledges that the last `revoked` or `assigned` event has been carried out. */
  acknowledge(): void
  /** Asks every member to shut down. */
  shutdownApplication(): MaybePromise<void>
  /** Gives up everything and leaves at once; the caller has committed. */
  leave(): MaybePromise<void>
}

/** Returns the error of an operation that is for empty groups, but was called for one with members. */
export function groupActive(groupId: string, members: readonly string[]): MillraceError {
  return new MillraceError('MR_GROUP_ACTIVE', `group '${groupId}' has members: ${members.join(', ')}`, {
    hint: 'Stop every instance of the application first. One that was killed counts until its session has ended.',
  })
}
