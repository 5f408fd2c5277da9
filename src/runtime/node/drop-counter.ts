import type { DropReason } from '../../record/drop-reason.ts'

/** Dropped records by reason. */
export class DropCounter {
  readonly #counts = new Map<DropReason, number>()

  /** @internal */
  add(reason: DropReason, count = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count)
  }

  /** What Kafka Streams counts as `dropped-records-total`: all but null keys in front of a repartition topic. */
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
