import { describe, expect, test } from 'vitest'
import { simulate } from './simulation.ts'

/** `npm run simulate` takes as many as are wanted. */
const SEEDS = 200
const PORTION = 50
const portions = Array.from({ length: SEEDS / PORTION }, (_, index) => index * PORTION)

describe('exactly once, whatever happens to processes, commits and clocks', () => {
  test.each(portions)(
    `seed %i and the next ${PORTION - 1}: outputs and stores are those of an undisturbed run`,
    async (from) => {
      for (let seed = from; seed < from + PORTION; seed++) {
        const { problems } = await simulate(seed)
        expect(problems, `npm run simulate -- --seed ${seed}`).toEqual([])
      }
    },
    120_000,
  )

  test('a seed replays exactly', async () => {
    for (const seed of [3, 17, 42]) {
      const first = await simulate(seed)
      const second = await simulate(seed)
      expect(first.trace.length).toBeGreaterThan(200)
      expect(second.trace).toEqual(first.trace)
      expect(second.faults).toEqual(first.faults)
    }
  })
})
