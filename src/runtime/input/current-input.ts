import type { RecordCursor } from '../../log/log.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** The record of its input that a task is processing: none in punctuators and commits. */
export class CurrentInput {
  /** The queue that has the record at its head. */
  queue: PartitionQueue | undefined

  /** At the record; a sink that passes its value on finds the bytes here. */
  get cursor(): RecordCursor | undefined {
    return this.queue?.cursor
  }
}
