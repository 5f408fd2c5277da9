import { partitionForKey } from '../../../src/record/murmur2.ts'
import { mirror, PARTITIONS } from './app.ts'

/** Returns the partition in which the records of a key are, and its row. */
export function partitionOf(key: string): number {
  const bytes = Buffer.from(key)
  return partitionForKey(bytes, 0, bytes.length, PARTITIONS)
}

/** Everything that was written to the topic of words, which nobody else writes to. */
export class Written {
  /** The offsets of each word's records, ascending. */
  readonly #offsets = new Map<string, number[]>()
  readonly #ends: number[] = Array.from({ length: PARTITIONS }, () => 0)
  #records = 0

  /** Notes a record, before anybody can have seen it. */
  note(word: string): void {
    const partition = partitionOf(word)
    const offset = this.end(partition)
    this.#ends[partition] = offset + 1
    this.#records++
    const offsets = this.#offsets.get(word)
    if (offsets === undefined) this.#offsets.set(word, [offset])
    else offsets.push(offset)
  }

  get records(): number {
    return this.#records
  }

  get words(): ReadonlyMap<string, readonly number[]> {
    return this.#offsets
  }

  /** Returns the offset behind the last record of a partition. */
  end(partition: number): number {
    return this.#ends[partition] ?? 0
  }

  /** Returns the number of records of a word. */
  total(word: string): number {
    return this.#offsets.get(word)?.length ?? 0
  }

  /** Returns the number of records of a word below an offset of its partition. */
  countAt(word: string, offset: number): number {
    const offsets = this.#offsets.get(word) ?? []
    let [low, high] = [0, offsets.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((offsets[middle] ?? Infinity) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Returns the offsets, first and last, at which a word has so many records; undefined: at none. */
  offsetsWith(word: string, count: number): readonly [first: number, last: number] | undefined {
    const offsets = this.#offsets.get(word) ?? []
    if (!Number.isInteger(count) || count < 0 || count > offsets.length) return undefined
    return [count === 0 ? 0 : (offsets[count - 1] ?? 0) + 1, offsets[count] ?? Infinity]
  }
}

/** What is wrong with an answer: not what the store was then, or an absence where there is a row. */
export type Fault = { readonly kind: 'wrong' | 'nulls'; readonly why: string } | undefined

/** What a store can have held when its answer says that it was at an offset of the partition's input. */
export interface Truth {
  readonly topic: string
  /** Judges the number of records of a key (0: absent) at an offset. */
  judge(key: string, count: number, offset: number): Fault
  /** Judges a number without an offset, of a store that had reached one. */
  judgeSince(key: string, count: number, reached: number): Fault
  /** Judges all rows of some keys of one partition, which are of one moment. @param isWhole no row is missing */
  judgeMoment(keys: Iterable<string>, counts: ReadonlyMap<string, number>, reached: number, isWhole: boolean): Fault
  /** Returns the number of records of a key in the end. */
  total(key: string): number
}

/** Counts of words in the order of the topic that was written: they are known for every offset. */
export class ExactCounts implements Truth {
  readonly topic: string
  readonly #written: Written

  constructor(topic: string, written: Written) {
    this.topic = topic
    this.#written = written
  }

  judge(key: string, count: number, offset: number): Fault {
    const end = this.#written.end(partitionOf(key))
    if (offset > end) return wrong(`the position is ${offset}, and only ${end} records were written`)
    const right = this.#written.countAt(key, offset)
    return count === right ? undefined : missed(count, `${key} is ${count}, not ${right}, at offset ${offset}`)
  }

  judgeSince(key: string, count: number, reached: number): Fault {
    const [least, most] = [this.#written.countAt(key, reached), this.#written.total(key)]
    if (count >= least && count <= most) return undefined
    return missed(count, `${key} is ${count}, not ${least} to ${most}, from offset ${reached} on`)
  }

  judgeMoment(keys: Iterable<string>, counts: ReadonlyMap<string, number>, reached: number, isWhole: boolean): Fault {
    let from = reached
    const lasts: { readonly key: string; readonly count: number; readonly last: number }[] = []
    for (const key of keys) {
      const count = counts.get(key) ?? 0
      if (count === 0 && !isWhole) continue
      const offsets = this.#written.offsetsWith(key, count)
      if (offsets === undefined) return wrong(`${key} is ${count} of ${this.total(key)} records`)
      const [first, last] = offsets
      from = Math.max(from, first)
      lasts.push({ key, count, last })
    }
    const behind = lasts.find(({ last }) => last < from)
    if (behind === undefined) return undefined
    const { key, count, last } = behind
    return missed(count, `${key} is ${count}, as until offset ${last}, and the rows are of ${from} or later`)
  }

  total(key: string): number {
    return this.#written.total(key)
  }
}

/** The count of a key at the first offset of which there was an answer, and at the last one. */
interface Seen {
  readonly offset: number
  readonly count: number
}

/**
 * Counts behind a repartition topic, whose records come in an order that only the topic knows: what was answered before
 * bounds what can be answered now.
 */
export class GrowingCounts implements Truth {
  readonly topic: string
  readonly #written: Written
  /** By key, ascending by offset. */
  readonly #seen = new Map<string, Seen[]>()

  constructor(topic: string, written: Written) {
    this.topic = topic
    this.#written = written
  }

  judge(key: string, count: number, offset: number): Fault {
    const [least, most] = this.#boundsAt(key, offset)
    if (count < least || count > most)
      return missed(count, `${key} is ${count}, not ${least} to ${most}, at offset ${offset}`)
    this.#note(key, { offset, count })
    return undefined
  }

  judgeSince(key: string, count: number, reached: number): Fault {
    const [least, most] = [this.#boundsAt(key, reached)[0], this.total(key)]
    if (count >= least && count <= most) return undefined
    return missed(count, `${key} is ${count}, not ${least} to ${most}, from offset ${reached} on`)
  }

  judgeMoment(keys: Iterable<string>, counts: ReadonlyMap<string, number>, reached: number, isWhole: boolean): Fault {
    for (const key of keys) {
      const count = counts.get(key) ?? 0
      const fault = count === 0 && !isWhole ? undefined : this.judgeSince(key, count, reached)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  total(key: string): number {
    return this.#written.total(mirror(key))
  }

  #boundsAt(key: string, offset: number): readonly [least: number, most: number] {
    const seen = this.#seen.get(key) ?? []
    const least = seen.findLast((each) => each.offset <= offset)?.count ?? 0
    const most = seen.find((each) => each.offset >= offset)?.count ?? this.total(key)
    return [least, most]
  }

  #note(key: string, seen: Seen): void {
    const all = this.#seen.get(key)
    if (all === undefined) {
      this.#seen.set(key, [seen])
      return
    }
    const at = all.findIndex(({ offset }) => offset >= seen.offset)
    if (at === -1) all.push(seen)
    else if (all[at]?.offset !== seen.offset) all.splice(at, 0, seen)
  }
}

function wrong(why: string): Fault {
  return { kind: 'wrong', why }
}

/** An absence is a fault of its own: a client may take it for good. */
function missed(count: number, why: string): Fault {
  return { kind: count === 0 ? 'nulls' : 'wrong', why }
}
