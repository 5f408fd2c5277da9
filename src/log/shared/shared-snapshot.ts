import { whileWaiting } from '../../platform/kept-alive.ts'
import type { LocalLog } from '../local/local-log.ts'
import { SnapshotLost, type LogContent } from '../local/log-snapshot.ts'
import { logClosed } from '../local/staged-commit.ts'
import { ConnectionLost, type Connection } from './connection.ts'
import { SNAPSHOT } from './frames.ts'
import type { SnapshotMessage, SnapshotPageMessage } from './session.ts'

/** Bytes of a page, for which the event loop of the holder is busy. */
const PAGE_BYTES = 1 << 20

/** A snapshot of a log that may be open in another process. */
export interface SharedSnapshot {
  readonly content: LogContent
  /** Returns the next rows, in the form of `LogSnapshot.read`. @throws SnapshotLost when who has the log ended */
  next(): Promise<readonly Buffer[] | undefined>
  /** To be called before the end: what is read to its end is closed. */
  close(): void
}

/** Opens a snapshot of a log that this process has open. It gives way to others between two pages. */
export function heldSnapshot(log: LocalLog): SharedSnapshot {
  const snapshot = log.openSnapshot()
  if (snapshot === undefined) throw logClosed()
  return {
    content: snapshot.content,
    async next() {
      await new Promise<void>((resolve) => setImmediate(resolve))
      return snapshot.read(PAGE_BYTES)
    },
    close: () => snapshot.close(),
  }
}

let lastSnapshot = 0

/** Opens a snapshot in the process that has the log open. @throws SnapshotLost when that one ends */
export async function attachedSnapshot(connection: Connection): Promise<SharedSnapshot> {
  const message: SnapshotMessage = { snapshot: ++lastSnapshot, bytes: PAGE_BYTES }
  const ask = async () => {
    try {
      const { message: page, buffer, payload } = await whileWaiting(connection.ask(SNAPSHOT, message).answer)
      const { isLast, content } = page as SnapshotPageMessage
      return { content, rows: isLast ? undefined : [buffer.subarray(payload)] }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
      await connection.lost
      throw new SnapshotLost()
    }
  }
  const first = await ask()
  let fetched: typeof first | undefined = first
  return {
    content: first.content!,
    async next() {
      const { rows } = fetched ?? (await ask())
      fetched = undefined
      return rows
    },
    // The holder closes what a connection leaves open when that ends.
    close() {},
  }
}
