/** How a `Membership` speaks with the coordinator of its group. */
export interface MemberProtocol {
  /** ms without an answered heartbeat after which the group gives the member up. */
  readonly sessionTimeout: number
  /** ms between two heartbeats. */
  readonly heartbeatInterval: number
  /** ms between two heartbeats while tasks move. */
  readonly eagerInterval: number
  /** Name of a static member (KIP-345). */
  readonly instanceId: string | undefined
  /** Checks and sets up the group, and makes it give up the predecessor of this member. */
  prepare(): Promise<void>
  /** Begins to join as a newcomer: after `prepare`, and whenever the membership was lost. */
  enter(): Promise<void>
  heartbeat(): Promise<void>
  /** The thread has carried out the last `revoked` or `assigned` event. */
  acknowledged(): void
  shutdownApplication(): Promise<void>
  renewEpoch(): Promise<void>
  /** Gives up a member id; an empty one: the id that the coordinator may be making now. */
  leave(memberId: string): Promise<void>
  /** The member has failed, and waits for its thread to leave. */
  failed(): void
}
