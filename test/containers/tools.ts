import { homedir } from 'node:os'
import { join } from 'node:path'

/** The path of a checker that `test/setup/install-tools.sh` has installed. */
export function tool(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'millrace', 'tools', 'bin', name)
}
