import type { RecordCursor } from '../../log/log.ts'
import type { RawInput } from '../../record/raw-input.ts'
import { rawInput } from './raw-input.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** The input record that a task is processing: none in punctuators and commits. */
export class CurrentInput {
  /** The queue that has the record at its head. */
  queue: PartitionQueue | undefined
  /** The record whose call has ended, while its result is processed. */
  recalled: RawInput | undefined

  /** Stands at the record; a sink that passes the record's value on copies its bytes from here. */
  get cursor(): RecordCursor | undefined {
    return this.queue?.cursor
  }

  /** A copy of the record. */
  get raw(): RawInput | undefined {
    return this.queue === undefined ? this.recalled : rawInput(this.queue.cursor)
  }
}
