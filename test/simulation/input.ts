import type { Random } from './random.ts'
import { PARTITIONS } from './world.ts'
import type { InputRecord, Round } from './world.ts'

export const KEYS = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus']
export const SHOPS = Array.from({ length: 3 * PARTITIONS }, (_, index) => `shop-${index}`)

/**
 * Makes records of three topics, in rounds. Times rise from round to round, so the join of two records never depends on
 * how much of a topic has arrived. Within a round times are out of order, and some records are late for their windows.
 */
export function randomInput(random: Random): Round[] {
  const rounds: Round[] = []
  let time = 1_000
  let id = 0
  const count = random.between(6, 14)
  for (let i = 0; i < count; i++) {
    const round: InputRecord[] = []
    const span = random.pick([500, 2_000, 8_000])
    for (let records = random.between(1, 20); records > 0; records--) {
      const key = random.pick(KEYS)
      const timestamp = time + random.below(span)
      const kind = random.next()
      if (kind < 0.6) {
        const order = { id: ++id, shop: random.pick(SHOPS), cents: random.below(1000) }
        round.push({ topic: 'orders', key, value: order, timestamp })
      } else if (kind < 0.8) {
        round.push({ topic: 'clicks', key, value: ++id, timestamp })
      } else {
        round.push({ topic: 'prices', key, value: random.chance(0.2) ? null : ++id, timestamp })
      }
    }
    rounds.push(round)
    time += span
  }
  return rounds
}
