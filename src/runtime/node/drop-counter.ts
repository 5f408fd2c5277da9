import type { DropReason } from '../../record/drop-reason.ts'

/** Records that one node or store has dropped for one reason. */
export interface DropsAt {
  readonly reason: DropReason
  readonly by: 'node' | 'store'
  /** That of the node or store. */
  readonly name: string
  readonly count: number
}

/** Counts dropped records by reason. */
export class DropCounter {
  /** By reason, then by node and store: no combined key may be built with every record. */
  readonly #places = new Map<DropReason, { readonly node: Map<string, number>; readonly store: Map<string, number> }>()

  /** @internal */
  add(reason: DropReason, by: 'node' | 'store', name: string, count = 1): void {
    let places = this.#places.get(reason)
    if (places === undefined) this.#places.set(reason, (places = { node: new Map(), store: new Map() }))
    const counts = places[by]
    counts.set(name, (counts.get(name) ?? 0) + count)
  }

  /** Records in Kafka Streams' `dropped-records-total`: all but null keys before a repartition topic. */
  get total(): number {
    let total = 0
    for (const [reason, count] of this.byReason) if (reason !== 'repartition-null-key') total += count
    return total
  }

  get byReason(): ReadonlyMap<DropReason, number> {
    const counts = new Map<DropReason, number>()
    for (const { reason, count } of this.places) counts.set(reason, (counts.get(reason) ?? 0) + count)
    return counts
  }

  /** @internal */
  get places(): DropsAt[] {
    const found: DropsAt[] = []
    for (const [reason, places] of this.#places) {
      for (const by of ['node', 'store'] as const) {
        for (const [name, count] of places[by]) found.push({ reason, by, name, count })
      }
    }
    return found
  }
}

export function sumOfDrops(counters: Iterable<DropCounter>): DropCounter {
  const sum = new DropCounter()
  for (const { places } of counters) for (const { reason, by, name, count } of places) sum.add(reason, by, name, count)
  return sum
}
