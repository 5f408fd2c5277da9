/**
 * What a token allows. `write` may do what `read` may, and `control` what both may. `dead-letters` stands beside them:
 * it may read and replay dead letters, and nothing else, and none of the others may.
 */
export type ServerRole = 'read' | 'write' | 'control' | 'dead-letters'

/** Each of them may do what those before it may. */
const LADDER: readonly ServerRole[] = ['read', 'write', 'control']

export const ROLES: readonly ServerRole[] = [...LADDER, 'dead-letters']

/** A role, or whichever: who may do anything may know what there is. */
export type NeededRole = ServerRole | 'any role'

/** What a route asks of a request: nothing, as probes do, a role, or that another instance sends it. */
export type Needed = 'nothing' | NeededRole | 'peer'

export function includesRole(role: ServerRole, needed: NeededRole): boolean {
  if (needed === 'any role' || needed === role) return true
  return LADDER.includes(needed) && LADDER.indexOf(role) > LADDER.indexOf(needed)
}
