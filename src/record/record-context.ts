import { Headers } from './headers.ts'
import type { RecordTraces } from './record-traces.ts'

/**
 * The input record that a task is processing. There is one object per task, changed in place. Cache flushes and
 * suppressions set it to the record that wrote what they emit, and set it back afterwards. Inside punctuators there is
 * no record: topic is null, partition and offset are -1.
 */
export class RecordContext {
  topic: string | null = null
  partition = -1
  offset = -1
  timestamp = -1
  headers: Headers = new Headers()
  /** The calls of asynchronous steps that it has passed; empty if none. */
  path = ''
  /** Absent in an application without a tracer. */
  traces: RecordTraces | undefined = undefined

  set(topic: string | null, partition: number, offset: number, timestamp: number, headers: Headers, path = ''): void {
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.timestamp = timestamp
    this.headers = headers
    this.path = path
  }
}
