import { randomBytes } from 'node:crypto'

/** The tool that formats directories takes an id that begins with a dash for an option. */
export function newClusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A')
}
