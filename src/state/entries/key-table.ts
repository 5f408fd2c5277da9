/** What is found by its key: a string, number, bigint or boolean. */
export interface Keyed {
  readonly mapKey: unknown
}

/** Keys for which there is room at first; a power of two. */
const LEAST = 32
/** The table shrinks when fewer than one in so many of its places has an entry. */
const SPARSE = 8

/**
 * Entries by key, as a `Map` would have them, and the hand that passes by them when memory is short. With more entries than a processor's cache
 * holds, a `Map` costs several times as much: it follows pointers from entry to entry, and into each key on the way for its hash. Here the hashes of
 * neighbours lie side by side, so that a key that is not there, as most are where most keys are new, is mostly known by one look
 * at memory.
 */
export class KeyTable<E extends Keyed> {
  /** Each at its place, which it keeps until the table shrinks. */
  #entries: (E | null)[] = []
  /** Of the key at each place. */
  #hashes = new Int32Array(LEAST)
  /** Places that are free again. */
  readonly #empty: number[] = []
  /** Pairs of a hash and a place plus 1, 0 if there is none. Who looks for a hash begins at the pair of its last bits. At most half full. */
  #slots = new Int32Array(4 * LEAST)
  /** Looked for last: mostly it is added next. */
  #soughtKey: unknown = undefined
  #soughtHash = 0
  /** Place at which the next sweep begins. */
  #hand = 0

  get size(): number {
    return this.#entries.length - this.#empty.length
  }

  *[Symbol.iterator](): Generator<E, void> {
    for (const entry of this.#entries) if (entry !== null) yield entry
  }

  find(key: unknown): E | undefined {
    const slot = this.#slotOf(key)
    return slot < 0 ? undefined : this.#entries[this.#slots[slot + 1]! - 1]!
  }

  /** Its key must not be in the table. */
  add(entry: E): void {
    const key = entry.mapKey
    const hash = key === this.#soughtKey ? this.#soughtHash : hashOf(key)
    const place = this.#empty.pop() ?? this.#entries.length
    if (place === this.#hashes.length) this.#resize(2 * place)
    this.#entries[place] = entry
    this.#hashes[place] = hash
    this.#enter(hash, place)
  }

  /** Nothing happens if the entry is not in the table. */
  remove(entry: E): void {
    const slot = this.#slotOf(entry.mapKey)
    if (slot >= 0 && this.#entries[this.#slots[slot + 1]! - 1] === entry) this.#free(slot)
  }

  /**
   * Removes entries that may go until so many bytes are resident, going on where the last sweep ended. None is passed more than
   * twice: the first time may take its reference away.
   *
   * @param goes whether the entry is to be removed; if so, its bytes are not resident any more
   */
  sweep(resident: { readonly bytes: number }, target: number, goes: (entry: E) => boolean): void {
    const most = 2 * this.#entries.length
    for (let passed = 0; resident.bytes > target && passed < most; passed++) {
      if (this.#hand >= this.#entries.length) this.#hand = 0
      const place = this.#hand++
      const entry = this.#entries[place]
      if (entry !== null && entry !== undefined && goes(entry)) this.#free(this.#slotOfPlace(place))
    }
  }

  clear(): void {
    this.#entries = []
    this.#empty.length = 0
    this.#hashes = new Int32Array(LEAST)
    this.#slots = new Int32Array(4 * LEAST)
    this.#soughtKey = undefined
    this.#hand = 0
  }

  #slotOfPlace(place: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (this.#hashes[place]! << 1) & mask
    while (slots[slot + 1] !== place + 1) slot = (slot + 2) & mask
    return slot
  }

  #slotOf(key: unknown): number {
    const hash = hashOf(key)
    this.#soughtKey = key
    this.#soughtHash = hash
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const number = slots[slot + 1]!
      if (number === 0) return -1
      if (slots[slot] === hash && isSame(this.#entries[number - 1]!.mapKey, key)) return slot
    }
  }

  #enter(hash: number, place: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hash << 1) & mask
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask
    slots[slot] = hash
    slots[slot + 1] = place + 1
  }

  #free(slot: number): void {
    const place = this.#slots[slot + 1]! - 1
    this.#entries[place] = null
    this.#empty.push(place)
    this.#closeGap(slot)
    const { length } = this.#hashes
    if (length > LEAST && this.size * SPARSE < length) this.#shrink(length / 2)
  }

  /** Moves pairs behind a free slot into it, so that each can be reached from where its hash begins. */
  #closeGap(gap: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let free = gap
    for (let slot = (free + 2) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      const begin = (slots[slot]! << 1) & mask
      if (((slot - begin) & mask) < ((slot - free) & mask)) continue
      slots[free] = slots[slot]!
      slots[free + 1] = slots[slot + 1]!
      free = slot
    }
    slots[free + 1] = 0
  }

  #shrink(length: number): void {
    const entries: E[] = []
    const hashes = new Int32Array(length)
    for (let place = 0; place < this.#entries.length; place++) {
      const entry = this.#entries[place]!
      if (entry !== null) hashes[entries.push(entry) - 1] = this.#hashes[place]!
    }
    this.#entries = entries
    this.#hashes = hashes
    this.#empty.length = 0
    this.#resize(length)
  }

  #resize(length: number): void {
    const hashes = new Int32Array(length)
    hashes.set(this.#hashes)
    this.#hashes = hashes
    this.#slots = new Int32Array(4 * length)
    for (let place = 0; place < this.#entries.length; place++) this.#enter(hashes[place]!, place)
  }
}

/** As a `Map` compares keys. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b)
}

/** Drawn anew by each process, so that nobody knows beforehand which keys fall on each other. */
const FACTOR = Math.floor(Math.random() * 2 ** 32) | 1
const SEED = Math.floor(Math.random() * 2 ** 32) | 0

function hashOf(key: unknown): number {
  if (typeof key === 'string') return hashOfString(key)
  if (typeof key === 'number') return hashOfNumber(key)
  if (typeof key === 'bigint') return hashOfBigInt(key)
  return Number(key === true)
}

function hashOfString(key: string): number {
  let hash = SEED ^ key.length
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), FACTOR)
    // Without this step some pairs of texts have the same hash whatever the factor is.
    hash ^= hash >>> 15
  }
  return mixed(hash)
}

const words = new Int32Array(2)
const float = new Float64Array(words.buffer)
const bigInt = new BigInt64Array(words.buffer)

function hashOfNumber(key: number): number {
  if ((key | 0) === key) return mixed(Math.imul(key, FACTOR))
  if (Number.isNaN(key)) return 0
  float[0] = key
  return hashOfWords()
}

function hashOfBigInt(key: bigint): number {
  bigInt[0] = key
  return hashOfWords()
}

function hashOfWords(): number {
  return mixed(Math.imul(mixed(words[0]! ^ SEED) ^ words[1]!, FACTOR))
}

/** Lets every bit have a say in the last ones. */
function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16)
  bits = Math.imul(bits, 0x85ebca6b)
  bits ^= bits >>> 13
  bits = Math.imul(bits, 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
