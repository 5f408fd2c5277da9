/**
 * What to tell a user whose Node is too old; undefined if it is not. The same range as in `engines` of package.json, which npm only
 * warns about. What runs before this is asked must run on an old Node, too: no named import of what Node got later.
 */
export function nodeTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isSupported = major === 22 ? minor >= 22 : major === 24 ? minor >= 6 : major > 24
  return isSupported ? undefined : `Millrace needs Node 22.22 or later, or 24.6 or later; this is Node ${version}`
}
