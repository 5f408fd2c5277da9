import { stat } from 'node:fs/promises'

/** Returns what differs once a file has changed. A mounted secret is replaced by way of a link: its inode differs. */
export async function fileVersion(path: string): Promise<string> {
  const { ino, mtimeNs, size } = await stat(path, { bigint: true })
  return `${ino} ${mtimeNs} ${size}`
}
