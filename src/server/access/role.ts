/** What a token allows. Each role may do what those before it may. */
export type ServerRole = 'read' | 'write' | 'control'

export const ROLES: readonly ServerRole[] = ['read', 'write', 'control']

/** What a route asks of a request: nothing, as probes do, or a role. */
export type Needed = 'nothing' | ServerRole

export function includesRole(role: ServerRole, needed: ServerRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
