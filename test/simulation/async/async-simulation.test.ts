import { describe, expect, test } from 'vitest'
import { simulateAsync } from './simulation.ts'

const SEEDS = 40
const PORTION = 20
const portions = Array.from({ length: SEEDS / PORTION }, (_, index) => index * PORTION)

describe('asynchronous steps, whatever happens to calls, processes, commits and clocks', () => {
  test.each(portions)(
    `seeds %i and the ${PORTION - 1} after it: results are those of synchronous steps; at least once, none is lost`,
    async (from) => {
      for (let seed = from; seed < from + PORTION; seed++) {
        const { problems } = await simulateAsync(seed)
        expect(problems, `npm run simulate -- --async --seed ${seed}`).toEqual([])
      }
    },
    120_000,
  )

  test('at least once, an owner that has lost its task takes no record from the next one', async () => {
    const { problems } = await simulateAsync(3774)
    expect(problems).toEqual([])
  })

  test('a seed replays exactly', async () => {
    for (const seed of [5, 13]) {
      const first = await simulateAsync(seed)
      const second = await simulateAsync(seed)
      expect(first.trace.length).toBeGreaterThan(200)
      expect(second.trace).toEqual(first.trace)
      expect(second.faults).toEqual(first.faults)
    }
  })
})
