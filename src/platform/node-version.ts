/**
 * Returns the message for a user whose Node is too old; undefined if it is not. The range is that of `engines` in
 * package.json, about which npm only warns. Code that runs before this check must run on an old Node, too: it must not
 * import names that Node got later.
 */
export function nodeTooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isSupported = major === 22 ? minor >= 22 : major === 24 ? minor >= 6 : major > 24
  return isSupported ? undefined : `Millrace needs Node 22.22 or later, or 24.6 or later; this is Node ${version}`
}
