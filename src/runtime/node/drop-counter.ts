import type { DropReason } from '../../record/drop-reason.ts'

/** Counts dropped records by reason. */
export class DropCounter {
  readonly #counts = new Map<DropReason, number>()

  /** @internal */
  add(reason: DropReason, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count)
  }

  /** Records in Kafka Streams' `dropped-records-total`: all but null keys before a repartition topic. */
  get total(): number {
    let total = 0
    for (const [reason, count] of this.#counts) if (reason !== 'repartition-null-key') total += count
    return total
  }

  get byReason(): ReadonlyMap<DropReason, number> {
    return this.#counts
  }
}

export function sumOfDrops(counters: Iterable<DropCounter>): DropCounter {
  const sum = new DropCounter()
  for (const { byReason } of counters) for (const [reason, count] of byReason) sum.add(reason, count)
  return sum
}
