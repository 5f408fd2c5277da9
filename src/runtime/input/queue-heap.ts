import type { PartitionQueue } from './partition-queue.ts'

/**
 * The non-empty queues of a task as a binary heap over the timestamps of their heads. Ties go to the lowest topic and
 * partition if `strict`, else as in java.util.PriorityQueue, which Kafka Streams' test driver uses.
 */
export class QueueHeap {
  readonly #items: PartitionQueue[] = []
  readonly #strict: boolean

  constructor(strict: boolean) {
    this.#strict = strict
  }

  get size(): number {
    return this.#items.length
  }

  peek(): PartitionQueue | undefined {
    return this.#items[0]
  }

  offer(queue: PartitionQueue): void {
    const items = this.#items
    let at = items.length
    items.push(queue)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      const above = items[parent] as PartitionQueue
      if (!this.#before(queue, above)) break
      items[at] = above
      at = parent
    }
    items[at] = queue
  }

  poll(): PartitionQueue | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (first === undefined || last === undefined || items.length === 0) return first
    const size = items.length
    const half = size >>> 1
    let at = 0
    while (at < half) {
      let child = 2 * at + 1
      const right = child + 1
      let smaller = items[child] as PartitionQueue
      if (right < size && this.#before(items[right] as PartitionQueue, smaller)) {
        child = right
        smaller = items[right] as PartitionQueue
      }
      if (!this.#before(smaller, last)) break
      items[at] = smaller
      at = child
    }
    items[at] = last
    return first
  }

  #before(a: PartitionQueue, b: PartitionQueue): boolean {
    if (a.headTimestamp !== b.headTimestamp) return a.headTimestamp < b.headTimestamp
    if (!this.#strict) return false
    return a.topic !== b.topic ? a.topic < b.topic : a.partition < b.partition
  }
}
