import type { MaybePromise } from '../platform/maybe-promise.ts'
import { MillraceError } from '../errors/millrace-error.ts'

/** A task is one partition of one sub-topology; written `<subtopology>_<partition>`. */
export interface TaskId {
  readonly subtopology: number
  readonly partition: number
}

export function taskIdText(id: TaskId): string {
  return `${id.subtopology}_${id.partition}`
}

/** The task that a text names; `undefined` if it names none. */
export function parseTaskId(text: string): TaskId | undefined {
  const [, subtopology, partition] = /^(\d+)_(\d+)$/.exec(text) ?? []
  return subtopology === undefined ? undefined : { subtopology: Number(subtopology), partition: Number(partition) }
}

/** An internal topic as the topology asks for it. */
export interface InternalTopic {
  readonly name: string
  /** 0: derived by the rules of the group coordinator (repartition: from its writers and co-partitioned topics; changelog: the number of tasks). */
  readonly partitions: number
  readonly replicationFactor: number
  /** In the order of their names: the streams protocol takes another order for another topology. */
  readonly configs: readonly (readonly [name: string, value: string])[]
}

/**
 * What a group must know of one sub-topology to create its internal topics, check co-partitioning and hand out its tasks
 * (KIP-1071, StreamsGroupHeartbeat). All lists are sorted.
 */
export interface SubtopologyDescription {
  readonly id: number
  readonly sourceTopics: readonly string[]
  readonly repartitionSourceTopics: readonly InternalTopic[]
  readonly repartitionSinkTopics: readonly string[]
  readonly changelogTopics: readonly InternalTopic[]
  /** Each a set of source or repartition source topics that must have equal partition counts. */
  readonly copartitionGroups: readonly (readonly string[])[]
}

export interface GroupOptions {
  /** The application id. */
  readonly groupId: string
  /** Shared by all threads of one process; kept in the state directory. */
  readonly processId: string
  readonly subtopologies: readonly SubtopologyDescription[]
  /** Milliseconds a member may take to give up revoked tasks. */
  readonly rebalanceTimeout: number
  /** Wanted standby replicas of each stateful task. */
  readonly standbyReplicas: number
  /**
   * Name of this thread that outlives its disk and its process, where one is configured: a member that comes back under it within the
   * session timeout gets its tasks back without the others noticing, and one that leaves keeps them that long (KIP-345).
   */
  readonly instanceId?: string | undefined
  /**
   * Told at once, whatever the thread is waiting for, that nobody answers the member, with the reason; and, with `undefined`, that somebody
   * does again. The member tries on by itself.
   */
  readonly onUnreachable?: ((reason: string | undefined) => void) | undefined
  /** Tasks whose state this process had on its disk when it started. */
  readonly storedTasks?: readonly TaskId[] | undefined
}

/**
 * What the group tells a member, in order. The stream thread takes events between two slices of work, so that nothing
 * changes under it; `revoked` and `assigned` are acknowledged when the thread has done what they ask.
 */
export type GroupEvent =
  /** Stop, commit and close these active tasks and standbys, then `acknowledge`. */
  | { readonly type: 'revoked'; readonly active: readonly TaskId[]; readonly standby: readonly TaskId[] }
  /** The whole list this member owns from now on. */
  | { readonly type: 'assigned'; readonly active: readonly TaskId[]; readonly standby: readonly TaskId[] }
  /**
   * Membership is gone: close every active task without committing. The member joins anew by itself. `sessionTimeout`: ms without a
   * heartbeat after which the group gives a member up, where it does.
   */
  | { readonly type: 'lost'; readonly reason: string; readonly sessionTimeout?: number | undefined }
  /**
   * Nothing can be assigned yet; `error` says why: missing topics, not co-partitioned, members that run another topology
   * (MR_TOPOLOGY_CHANGED) or are of another kind (MR_GROUP_PROTOCOL). Repeated reasons are not repeated.
   */
  | { readonly type: 'waiting'; readonly error: MillraceError }
  /** What `waiting` told of is over. */
  | { readonly type: 'resumed' }
  /** A member asked the whole application to stop. */
  | { readonly type: 'shutdown' }
  /** The member cannot go on. */
  | { readonly type: 'failed'; readonly error: MillraceError }

export interface GroupMember {
  /** Asks to become a member; what follows arrives as events. */
  join(): MaybePromise<void>
  /** The next event not taken yet. */
  nextEvent(): GroupEvent | undefined
  /** Called when there is an event to take. Replaces the callback set before. */
  onEvent(wake: (() => void) | undefined): void
  /** Tells that the last `revoked` or `assigned` event has been carried out. */
  acknowledge(): void
  /** Asks every member to shut down. */
  shutdownApplication(): MaybePromise<void>
  /** Gives up everything and leaves at once; the caller has committed. */
  leave(): MaybePromise<void>
}

/** What may be done to an empty group only was asked of one with members. */
export function groupActive(groupId: string, members: readonly string[]): MillraceError {
  return new MillraceError('MR_GROUP_ACTIVE', `group '${groupId}' has members: ${members.join(', ')}`, {
    hint: 'Stop every instance of the application first; one that was killed counts until its session has ended.',
  })
}
