import { setTimeout as pause } from 'node:timers/promises'
import { json, string, topic, TopicWriter, type Headers, type Log } from '../../../src/index.ts'
import type { InputRecord } from './workloads.ts'

export interface Pace {
  readonly records: number
  /** Records a second. */
  readonly rate: number
  /** ms between two turns, at each of which all records are sent that are due, unless earlier ones are on their way. */
  readonly turn: number
  readonly headers?: () => Headers
}

/** Writes records at a steady rate, whatever becomes of them. Returns the greatest delay of a record, ms. */
export async function writePaced(
  log: Log,
  name: string,
  recordOf: (i: number) => InputRecord,
  { records, rate, turn, headers }: Pace,
): Promise<number> {
  await using writer = await TopicWriter.open(log, topic(name, { key: string(), value: json<object>() }))
  const started = performance.now()
  let latest = 0
  let flushing = false
  for (let i = 0; i < records;) {
    const elapsed = performance.now() - started
    const due = Math.min(records, Math.floor((elapsed / 1000) * rate) + 1)
    if (i < due) latest = Math.max(latest, elapsed - (i / rate) * 1000)
    for (; i < due; i++) {
      const { key, value, timestamp } = recordOf(i)
      writer.write(key, value, headers === undefined ? { timestamp } : { timestamp, headers: headers() })
    }
    // One flush at a time: each closes the open batches, and small batches would queue up behind each other.
    if (!flushing) {
      flushing = true
      const done = (): void => void (flushing = false)
      // What becomes of it is thrown by the next write, or by the close.
      writer.flush().then(done, done)
    }
    await writer.ready()
    await pause(turn)
  }
  return latest
}
