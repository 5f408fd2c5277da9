import { MillraceError } from '../../errors/millrace-error.ts'
import { describeRefusal, refusalHint, type Refusal, type Replacement } from '../../log/refusal.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import { Headers } from '../../record/headers.ts'
import type { FailedRecord } from '../../application/application.ts'
import type { WriteOrigin } from '../output/record-writer.ts'
import type { RawInput } from '../../record/raw-input.ts'
import type { InputLookup } from './input-lookup.ts'
import type { TaskErrors } from './task-errors.ts'

/** An operator that writes to a topic, and the input partition that it writes for: topic null in punctuators. */
export interface SinkPlace {
  readonly node: string
  readonly task: string
  /** True if the topic is one of the application's own. */
  readonly internal: boolean
  readonly topic: string | null
  readonly partition: number
}

/** What a decision about refused records of a task needs. */
export interface RefusedRecords {
  readonly errors: TaskErrors
  readonly inputs: InputLookup
}

/**
 * Asks the handlers about records of a sink that the log refuses, or that fail later, when the partition count of their
 * topic is known. The place of each record is the offset of its input record.
 */
export class SinkOrigin implements WriteOrigin {
  readonly #place: SinkPlace
  readonly #refused: RefusedRecords

  constructor(place: SinkPlace, refused: RefusedRecords) {
    this.#place = place
    this.#refused = refused
  }

  refused(refusal: Refusal, offset: number): MaybePromise<Replacement | undefined> {
    const input = this.#inputAt(offset, 'onProductionError')
    if (!isPromise(input)) return this.#decide(refusal, offset, input)
    return input.then((found) => (refusal.signal?.aborted === true ? undefined : this.#decide(refusal, offset, found)))
  }

  failed(error: unknown, offset: number, timestamp: number, isForgotten: () => boolean): MaybePromise<void> {
    const decide = (found: RawInput | undefined): void => {
      if (!isForgotten()) this.#refused.errors.recordFailed(error, this.#failedRecord(offset, found, timestamp))
    }
    const input = this.#inputAt(offset, 'onProcessingError')
    return isPromise(input) ? input.then(decide) : decide(input)
  }

  unsent(offset: number): void {
    this.#refused.errors.unsent(this.#failedRecord(offset, undefined, -1))
  }

  #inputAt(offset: number, handler: 'onProcessingError' | 'onProductionError'): MaybePromise<RawInput | undefined> {
    const { topic, partition } = this.#place
    const { errors, inputs } = this.#refused
    if (topic === null || !errors.needsInput(handler)) return undefined
    return errors.currentInput(topic, offset) ?? inputs.find(topic, partition, offset)
  }

  /** @param timestamp that of the output, used if the input is not known */
  #failedRecord(offset: number, input: RawInput | undefined, timestamp: number): FailedRecord {
    const { node, task, topic, partition } = this.#place
    return {
      topic,
      partition,
      offset,
      timestamp: input?.timestamp ?? timestamp,
      headers: input?.headers ?? new Headers(),
      node,
      task,
      rawKey: input?.key ?? null,
      rawValue: input?.value ?? null,
    }
  }

  #decide(refusal: Refusal, offset: number, input: RawInput | undefined): MaybePromise<Replacement | undefined> {
    const { node, task, topic, partition, internal } = this.#place
    const where = internal
      ? `topic "${refusal.topic}" on the brokers, and of topicConfigs for topics that are still to be created`
      : undefined
    const error = new MillraceError('MR_PRODUCE', describeRefusal(refusal), {
      node,
      task,
      ...(topic === null ? {} : { topic, partition, offset }),
      hint:
        `${refusalHint(refusal, where)} ` +
        "onProductionError: 'continue' skips and counts such records, 'deadLetter' also keeps their input.",
    })
    const record: FailedRecord = {
      ...this.#failedRecord(offset, input, refusal.timestamp),
      output: {
        topic: refusal.topic,
        partition: refusal.partition,
        timestamp: refusal.timestamp,
        rawKey: refusal.key,
        rawValue: refusal.value,
      },
    }
    return this.#refused.errors.refused(error, record)
  }
}
