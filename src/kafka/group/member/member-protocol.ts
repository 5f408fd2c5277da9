import type { HeartbeatIntervals, Heartbeats } from './heartbeats.ts'

/** The protocol by which a `Membership` speaks with the coordinator of its group. */
export interface MemberProtocol extends HeartbeatIntervals {
  readonly heartbeats: Heartbeats
  /** Time in ms without an answered heartbeat after which the group gives the member up. */
  readonly sessionTimeout: number

  /** Name of a static member (KIP-345). */
  readonly instanceId: string | undefined
  /** Checks the group, sets it up and makes it give up the predecessor of this member. */
  prepare(): Promise<void>
  /** Begins to join as a newcomer. Called after `prepare`, and whenever the membership was lost. */
  enter(): Promise<void>
  heartbeat(): Promise<void>
  /** Called when the thread has carried out the last `revoked` or `assigned` event. */
  acknowledged(): void
  shutdownApplication(): Promise<void>
  renewEpoch(): Promise<void>
  /** Gives up a member id. An empty one stands for the id that the coordinator may be making now. */
  leave(memberId: string): Promise<void>
  /** Called when the member has failed or chooses another protocol. After this it only leaves. */
  failed(): void
}
