import {
  hidingValues,
  isMillraceError,
  messageOf,
  messageWithValues,
  MillraceError,
} from '../../errors/millrace-error.ts'
import type { LogProducer } from '../../log/log.ts'
import type { AppendOrigin } from '../../log/refusal.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import { ignoreRejection, isThenable } from '../../platform/thenable.ts'
import type { Headers } from '../../record/headers.ts'
import { partitionForKey } from '../../record/murmur2.ts'
import { serialized, writeInner } from '../../serde/call-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StreamPartitioner } from '../../topology/topology.ts'
import { RecordSlice } from '../../record/record-slice.ts'

/** How records of one sink are encoded and where they go. */
export interface WriteTarget {
  readonly node: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
}

/** The place of a value's bytes. */
export interface InputValue {
  readonly buffer: Buffer
  readonly valueStart: number
  /** Exclusive. */
  readonly valueEnd: number
}

/** The origin of a record that may still wait for its topic's partition count when `write` has returned. */
export interface WriteOrigin extends AppendOrigin {
  /**
   * Decides about an error that `write` would have thrown. An error that this throws ends the task.
   *
   * @param place the number that the record was written with
   * @param timestamp that of the record
   * @param isForgotten returns true if the record was discarded meanwhile: then nothing is to be decided
   */
  failed(error: unknown, place: number, timestamp: number, isForgotten: () => boolean): MaybePromise<void>
  /** Notes that the partitioner chose no partition, for which `write` would have returned 0. */
  unsent(place: number): void
}

/** A record whose topic's partition count is not known yet. Its bytes are taken at once: the value may change later. */
interface Waiting {
  readonly target: WriteTarget
  readonly key: unknown
  readonly value: unknown
  readonly slice: RecordSlice
  readonly origin: AppendOrigin | WriteOrigin | undefined
  readonly place: number
}

const INITIAL_SCRATCH = 64 * 1024

/** Serializes records into one buffer, from which the producer copies them: no buffer is made per record. */
export class RecordWriter {
  readonly #producer: LogProducer
  readonly #topicMissing: ((topic: string) => void) | undefined
  /** The record that is being written; its buffer grows as needed. */
  readonly #slice = new RecordSlice()
  #nextUnkeyed = 0
  /** Records of each topic whose partition count is being loaded, in order; appended before any later record of it. */
  readonly #waiting = new Map<string, { records: Waiting[]; loading: Promise<void> }>()
  /** Records written so far. */
  written = 0

  /** @param topicMissing may create a topic that a sink names for the first time, as the test driver does */
  constructor(producer: LogProducer, topicMissing?: (topic: string) => void) {
    this.#producer = producer
    this.#topicMissing = topicMissing
    this.#slice.buffer = Buffer.allocUnsafeSlow(INITIAL_SCRATCH)
  }

  /**
   * Writes a record. Returns the number of partitions that it went to: 0 if the partitioner chose none.
   *
   * @param input place of the value's bytes, if there is a value; if absent, the value is serialized
   * @param origin decides if the log refuses the record, which it knows by the number `place`
   * @throws MR_SERIALIZE naming node and topic; `cause` is the serde's error
   * @throws MR_NO_PARTITION if the partitioner returns one that the topic does not have
   */
  write(
    topic: string,
    target: WriteTarget,
    key: unknown,
    value: unknown,
    timestamp: number,
    headers: Headers | undefined,
    input?: InputValue,
    origin?: AppendOrigin | WriteOrigin,
    place = -1,
  ): number {
    if (timestamp < 0) {
      throw new MillraceError('MR_TIMESTAMP', `a record for topic "${topic}" has the negative timestamp ${timestamp}`, {
        node: target.node,
      })
    }
    this.#encodeRecord(topic, target, key, value, input)
    const slice = this.#slice
    slice.timestamp = timestamp
    slice.headers = headers !== undefined && headers.length > 0 ? headers : undefined
    const partitions = this.#producer.partitionCount(topic)
    if (partitions === undefined || (this.#waiting.size > 0 && this.#waiting.has(topic))) {
      return this.#writeLater(topic, target, key, value, origin, place)
    }
    return this.#append(topic, partitions, target, key, value, slice, origin, place)
  }

  #encodeRecord(topic: string, target: WriteTarget, key: unknown, value: unknown, input: InputValue | undefined): void {
    const slice = this.#slice
    const hasKey = key !== null && key !== undefined
    const keyEnd = hasKey ? this.#encode(topic, target, target.keySerde, key, 0) : 0
    slice.setKey(hasKey ? 0 : -1, keyEnd)
    const hasValue = value !== null && value !== undefined
    if (!hasValue) slice.setValue(-1, -1)
    else if (input !== undefined) slice.setValue(keyEnd, this.#copy(input, keyEnd))
    else slice.setValue(keyEnd, this.#encode(topic, target, target.valueSerde, value, keyEnd))
  }

  #append(
    topic: string,
    partitions: number,
    target: WriteTarget,
    key: unknown,
    value: unknown,
    slice: RecordSlice,
    origin: AppendOrigin | undefined,
    place: number,
  ): number {
    const producer = this.#producer
    const chosen = target.partitioner?.(topic, key, value, partitions)
    if (chosen === undefined) {
      const partition =
        slice.keyStart < 0
          ? this.#nextUnkeyed++ % partitions
          : partitionForKey(slice.buffer, 0, slice.keyEnd - (target.keySerde.partitionSuffix ?? 0), partitions)
      producer.append(topic, partition, slice, origin, place)
      this.written++
      return 1
    }
    const all = typeof chosen === 'number' ? [chosen] : listOf(chosen, target, topic)
    // An error after the first append would leave the record in some of its partitions.
    for (const partition of all) requirePartition(partition, partitions, target, topic)
    for (const partition of all) {
      producer.append(topic, partition, slice, origin, place)
      this.written++
    }
    return all.length
  }

  #encode(topic: string, target: WriteTarget, serde: Serde<unknown>, value: unknown, at: number): number {
    try {
      if (serde.write !== undefined) {
        for (;;) {
          const end = writeInner(serde, value, this.#slice.buffer, at)
          if (end !== -1) return end
          this.#grow(this.#slice.buffer.length * 2)
        }
      }
      const bytes = serialized(serde, value)
      if (at + bytes.length > this.#slice.buffer.length) this.#grow(at + bytes.length)
      this.#slice.buffer.set(bytes, at)
      return at + bytes.length
    } catch (error) {
      const what = `cannot serialize a ${typeof value} with the serde "${serde.name}": `
      const failure = new MillraceError('MR_SERIALIZE', what + messageOf(error), {
        node: target.node,
        topic,
        cause: error,
        hint:
          isMillraceError(error) && error.hint !== undefined
            ? error.hint
            : 'Give the operator a serde for the type that it produces.',
      })
      throw hidingValues(failure, what + messageWithValues(error))
    }
  }

  #copy({ buffer, valueStart, valueEnd }: InputValue, at: number): number {
    const end = at + valueEnd - valueStart
    if (end > this.#slice.buffer.length) this.#grow(end)
    buffer.copy(this.#slice.buffer, at, valueStart, valueEnd)
    return end
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)))
    this.#slice.buffer.copy(larger)
    this.#slice.buffer = larger
  }

  #writeLater(
    topic: string,
    target: WriteTarget,
    key: unknown,
    value: unknown,
    origin: AppendOrigin | WriteOrigin | undefined,
    place: number,
  ): number {
    const record: Waiting = { target, key, value, slice: this.#slice.copy(), origin, place }
    const entry = this.#waiting.get(topic)
    if (entry !== undefined) {
      entry.records.push(record)
      return 1
    }
    this.#topicMissing?.(topic)
    const loading = this.#producer.loadPartitionCount(topic)
    if (!isPromise(loading)) return this.#appendWaiting(topic, loading, record)
    const records = [record]
    const done = this.#appendWhenLoaded(topic, loading, records)
    done.catch(() => {})
    this.#waiting.set(topic, { records, loading: done })
    return 1
  }

  /** Appends the waiting records in order. Those that are written while one is decided about wait after them. */
  async #appendWhenLoaded(topic: string, loading: Promise<number>, records: readonly Waiting[]): Promise<void> {
    const partitions = await loading
    const isForgotten = (): boolean => this.#waiting.get(topic)?.records !== records
    for (let i = 0; i < records.length && !isForgotten(); i++) {
      const decided = this.#appendLate(topic, partitions, records[i]!, isForgotten)
      if (isPromise(decided)) await decided
    }
    if (!isForgotten()) this.#waiting.delete(topic)
  }

  #appendLate(topic: string, partitions: number, record: Waiting, isForgotten: () => boolean): MaybePromise<void> {
    const { place, slice } = record
    const origin = record.origin !== undefined && 'failed' in record.origin ? record.origin : undefined
    try {
      if (this.#appendWaiting(topic, partitions, record) === 0) origin?.unsent(place)
    } catch (error) {
      if (origin === undefined) throw error
      return origin.failed(error, place, slice.timestamp, isForgotten)
    }
  }

  #appendWaiting(topic: string, partitions: number, record: Waiting): number {
    const { target, key, value, slice, origin, place } = record
    return this.#append(topic, partitions, target, key, value, slice, origin, place)
  }

  /** Returns the partition of a record with this key if no partitioner chooses one. @throws MR_TOPIC_UNKNOWN */
  partitionOf(topic: string, key: Buffer | null): MaybePromise<number> {
    let partitions: MaybePromise<number> | undefined = this.#producer.partitionCount(topic)
    if (partitions === undefined) {
      this.#topicMissing?.(topic)
      partitions = this.#producer.loadPartitionCount(topic)
    }
    const choose = (count: number): number =>
      key === null ? this.#nextUnkeyed++ % count : partitionForKey(key, 0, key.length, count)
    return isPromise(partitions) ? partitions.then(choose) : choose(partitions)
  }

  /** Resolves when no record waits for its topic's partition count. @throws MR_TOPIC_UNKNOWN */
  settle(): MaybePromise<void> {
    if (this.#waiting.size === 0) return
    return Promise.all([...this.#waiting.values()].map((entry) => entry.loading)).then(() => this.settle())
  }

  /** Forgets records that wait for a partition count. */
  discard(): void {
    this.#waiting.clear()
  }
}

function requirePartition(partition: number, partitions: number, { node }: WriteTarget, topic: string): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw new MillraceError('MR_NO_PARTITION', `the partitioner returned ${messageOf(partition)}`, {
    node,
    topic,
    hint: `Return 0 to ${partitions - 1}, or undefined for the default.`,
  })
}

/** @throws MR_NO_PARTITION for anything but a list; MR_PROMISE */
function listOf(chosen: readonly number[], { node }: WriteTarget, topic: string): readonly number[] {
  const isList = Array.isArray(chosen)
  if (isList && !chosen.some(isThenable)) return chosen
  const hint = 'Return a number, a list of numbers, or undefined for the default.'
  if (!isList && !isThenable(chosen)) {
    throw new MillraceError('MR_NO_PARTITION', `the partitioner returned ${messageOf(chosen)}`, { node, topic, hint })
  }
  for (const one of [chosen].flat()) ignoreRejection(one)
  throw new MillraceError('MR_PROMISE', 'the partitioner returned a promise', { node, hint })
}
