import { json, keyValueStore, string } from 'millrace'
import type { FixedKeyProcessor, FixedKeyProcessorContext, KeyValueStore, ProcessorRecord } from 'millrace'
import { metresBetween } from './geography.ts'
import type { Point } from './geography.ts'
import type { Position } from './topics.ts'

/** What one reading adds to a truck's minute. */
export interface Leg {
  readonly metres: number
  readonly speedKmh: number
}

interface LastPoint extends Point {
  readonly timestamp: number
}

/** Where each truck was last seen. */
export const lastPoints = keyValueStore('last-points', { key: string(), value: json<LastPoint>() })

/**
 * Turns readings into the metres since the reading before. A reading that arrives late adds no metres: the way past it
 * has been counted already.
 */
export class Legs implements FixedKeyProcessor<string, Position, Leg> {
  #context!: FixedKeyProcessorContext<Leg>
  #last!: KeyValueStore<string, LastPoint>

  init(context: FixedKeyProcessorContext<Leg>): void {
    this.#context = context
    this.#last = context.store('last-points')
  }

  process({ key, value: { lat, lon, speedKmh }, timestamp }: ProcessorRecord<string, Position>): void {
    const last = this.#last.get(key)
    const isLate = last !== undefined && last.timestamp > timestamp
    if (!isLate) this.#last.put(key, { lat, lon, timestamp })
    const metres = last === undefined || isLate ? 0 : metresBetween(last, { lat, lon })
    this.#context.forward({ value: { metres, speedKmh } })
  }
}
