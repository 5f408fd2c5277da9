/**
 * What a token allows. `write` may do what `read` may, and write the topics that `writableTopics` of `serve` names;
 * `control` may do what both may. The others stand beside them. None includes another, and none of the ladder includes
 * them: `dead-letters` reads and replays dead letters, `topics.read` reads every topic of the log, and `topics.write`
 * writes every topic that is not internal.
 */
export type ServerRole = 'read' | 'write' | 'control' | 'dead-letters' | 'topics.read' | 'topics.write'

/** Each of them may do what those before it may. */
const LADDER: readonly ServerRole[] = ['read', 'write', 'control']

export const ROLES: readonly ServerRole[] = [...LADDER, 'dead-letters', 'topics.read', 'topics.write']

/** A role, any of several, or whichever: who may do anything may know what there is. */
export type NeededRole = ServerRole | readonly ServerRole[] | 'any role'

/** What a route asks of a request: nothing, as probes do, a role, or that another instance sends it. */
export type Needed = 'nothing' | NeededRole | 'peer'

/** What whoever sent a request may do. */
export interface Rights {
  may(role: ServerRole): boolean
  /** True if the server has no tokens, and lets in whoever is on this machine. */
  readonly isAnonymous: boolean
}

/** The rights of somebody without a role. */
export const NO_RIGHTS: Rights = { may: () => false, isAnonymous: false }

export function includesRole(role: ServerRole, needed: NeededRole): boolean {
  if (typeof needed !== 'string') return needed.some((each) => includesRole(role, each))
  if (needed === 'any role' || needed === role) return true
  return LADDER.includes(needed) && LADDER.indexOf(role) > LADDER.indexOf(needed)
}

/** Returns a role, or several, as text. */
export function roleText(needed: NeededRole): string {
  return typeof needed === 'string' ? needed : needed.join(' or ')
}
