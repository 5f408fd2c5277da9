import { randomBytes } from 'node:crypto'

/** Returns an id without a dash at its start, which the tool that formats directories would take for an option. */
export function newClusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A')
}
