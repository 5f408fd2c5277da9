import type { Logger } from '../../application/application.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import type { Headers } from '../../record/headers.ts'
import type { RecordContext } from '../../record/record-context.ts'
import { traceIdOf } from '../../record/trace-parent.ts'
import type { DropCounter } from './drop-counter.ts'

/** The place of a record. Topic null, partition and offset -1: no record is being processed. */
type RecordPlace = Pick<RecordContext, 'topic' | 'partition' | 'offset'> & { readonly headers?: Headers }

/** Counts the records that nodes and stores of a task drop. Logs the first of each reason there with its place. */
export class DroppedRecords {
  readonly #counts: DropCounter
  readonly #task: string
  readonly #record: RecordContext
  readonly #lines: RepeatedLines
  readonly #logger: Logger

  /**
   * @param record the record being processed; changed in place
   * @param counts those of all tasks of a thread
   */
  constructor(task: string, record: RecordContext, lines: RepeatedLines, logger: Logger, counts: DropCounter) {
    this.#counts = counts
    this.#task = task
    this.#record = record
    this.#lines = lines
    this.#logger = logger
  }

  /** @param place of the dropped record, if it is not the one being processed */
  drop(reason: DropReason, by: 'node' | 'store', name: string, place: RecordPlace = this.#record, err?: unknown): void {
    this.#counts.add(reason, by, name)
    if (!this.#lines.isFirst('record dropped', by, name, reason)) return
    const { topic, partition, offset, headers } = place
    const trace = headers === undefined ? undefined : traceIdOf(headers)
    const fields = { reason, [by]: name, task: this.#task, topic, partition, offset, trace_id: trace }
    this.#logger.warn(err === undefined ? fields : { ...fields, err }, 'record dropped')
  }
}
