/** What a token allows. Each role may do what those before it may. */
export type ServerRole = 'read' | 'write' | 'control'

export const ROLES: readonly ServerRole[] = ['read', 'write', 'control']

/** What a route asks of a request: nothing, as probes do, a role, or that another instance sends it. */
export type Needed = 'nothing' | ServerRole | 'peer'

export function includesRole(role: ServerRole, needed: ServerRole): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
