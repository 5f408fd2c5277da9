import type { OuterJoinState } from '../state/states.ts'
import type { OperatorContext } from './operator.ts'

/** Kept in place of infinity, which is no whole number. */
const NOTHING_HELD = Number.MAX_SAFE_INTEGER

type Unmatched = OuterJoinState<unknown, unknown, unknown>

/** What both sides of a left or outer stream-stream join know in common, in one task. */
export class SharedJoinTime {
  /** Greatest timestamp of either side; -1 before the first record. */
  streamTime: number
  /**
   * No unmatched record is looked at before stream time has passed this by its window. Not always the smallest timestamp
   * held: when results come out follows Kafka Streams, which goes on from the last record it looked at. It is kept with the
   * committed offsets, so that a restart does not change when they come out; Kafka Streams forgets it.
   */
  minTime: number
  readonly #context: OperatorContext
  readonly #key: string
  readonly #minKey: string

  constructor(context: OperatorContext, key: string, unmatched: Unmatched) {
    this.#context = context
    this.#key = key
    this.#minKey = `${key}-unmatched`
    this.streamTime = context.compatible ? -1 : (context.savedTime(key) ?? -1)
    const saved = context.compatible ? undefined : context.savedTime(this.#minKey)
    this.minTime = saved === NOTHING_HELD ? Infinity : (saved ?? unmatched.minTimestamp)
  }

  /** To be called when `minTime` has changed. */
  keepMinTime(): void {
    if (this.#context.compatible) return
    this.#context.saveTime(this.#minKey, this.minTime === Infinity ? NOTHING_HELD : this.minTime)
  }

  advance(timestamp: number): void {
    if (timestamp <= this.streamTime) return
    this.streamTime = timestamp
    if (!this.#context.compatible) this.#context.saveTime(this.#key, timestamp)
  }
}

const shared = new WeakMap<Unmatched, SharedJoinTime>()

/** The time that belongs to this buffer of unmatched records, which both sides of the join use. */
export function sharedJoinTime(context: OperatorContext, key: string, unmatched: Unmatched): SharedJoinTime {
  let time = shared.get(unmatched)
  if (time === undefined) {
    time = new SharedJoinTime(context, key, unmatched)
    shared.set(unmatched, time)
  }
  return time
}
