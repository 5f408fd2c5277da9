import { Headers } from './headers.ts'
import type { KeyReader } from './key-reader.ts'

/**
 * Which input record a task is processing. One object per task, changed in place; cache flushes and suppressions set it to
 * the record that wrote what they emit and set it back afterwards. Inside punctuators there is none: topic null, partition
 * and offset -1.
 */
export class RecordContext {
  topic: string | null = null
  partition = -1
  offset = -1
  timestamp = -1
  headers: Headers = new Headers()
  /** Key of the record as it came into the task; null if it has none, or while none is being processed. */
  inputKey: unknown = null
  /** Stores that had to ask their engines for the row of that key, since this was last emptied. */
  readonly missedBy: KeyReader[] = []

  set(topic: string | null, partition: number, offset: number, timestamp: number, headers: Headers): void {
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.timestamp = timestamp
    this.headers = headers
  }
}
