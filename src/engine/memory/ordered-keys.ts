const MAX_CHUNK = 512

/**
 * A sorted set of strings. Additions are collected, and sorted in when the order is needed, so that adding costs a
 * push. Positions are (chunk, index) pairs that are valid until `generation` changes.
 */
export class OrderedKeys {
  /** A number that rises when positions may have moved. */
  generation = 0
  #chunks: string[][] = []
  #added: string[] = []

  add(key: string): void {
    this.#added.push(key)
  }

  /** Removes a key if it is sorted in already; `settle` drops keys that are not. */
  remove(key: string): void {
    const chunkIndex = this.#chunkOf(key)
    const chunk = this.#chunks[chunkIndex]
    if (chunk === undefined) return
    const index = lowerBound(chunk, key)
    if (chunk[index] !== key) return
    this.generation++
    chunk.splice(index, 1)
    if (chunk.length === 0) this.#chunks.splice(chunkIndex, 1)
  }

  /** Sorts the added keys in. Drops keys for which `isAlive` is false: they were removed meanwhile. */
  settle(isAlive: (key: string) => boolean): void {
    if (this.#added.length === 0) return
    const added = this.#added.filter(isAlive).sort(compareStrings)
    this.#added = []
    this.generation++
    if (added.length * 4 > this.#chunks.length * MAX_CHUNK) this.#rebuild(added)
    else for (const key of added) this.#insert(key)
  }

  chunk(index: number): readonly string[] | undefined {
    return this.#chunks[index]
  }

  get chunkCount(): number {
    return this.#chunks.length
  }

  /** Returns the index of the chunk in which the first key >= `key` is or would be. */
  chunkAt(key: string): number {
    return this.#chunkOf(key)
  }

  #insert(key: string): void {
    const chunkIndex = this.#chunkOf(key)
    const chunk = this.#chunks[chunkIndex]
    if (chunk === undefined) {
      this.#chunks.push([key])
      return
    }
    const index = lowerBound(chunk, key)
    if (chunk[index] === key) return
    chunk.splice(index, 0, key)
    if (chunk.length > MAX_CHUNK) this.#chunks.splice(chunkIndex + 1, 0, chunk.splice(chunk.length >>> 1))
  }

  #rebuild(added: string[]): void {
    const all = [...this.#chunks.flat(), ...added].sort(compareStrings)
    this.#chunks = []
    let chunk: string[] = []
    let last: string | undefined
    for (const key of all) {
      if (key === last) continue
      last = key
      chunk.push(key)
      if (chunk.length < MAX_CHUNK / 2) continue
      this.#chunks.push(chunk)
      chunk = []
    }
    if (chunk.length > 0) this.#chunks.push(chunk)
  }

  /** Returns the last chunk whose first key is <= `key` (0 if none): there `key` is or belongs. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle]![0]! <= key) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : low - 1
  }
}

/** Returns the index of the first key >= `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

function compareStrings(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
