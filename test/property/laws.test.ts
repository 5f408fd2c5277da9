import { expect, test } from 'vitest'
import { checkCases } from './check-cases.ts'

const SEED = 20_261
const CASES = 300

test('random topologies keep the laws: no engine, restart, crash, cache, task or log changes a result', async () => {
  const cases = Array.from({ length: CASES }, (_, number) => number)
  const { covered, failures } = await checkCases({
    seed: SEED,
    cases,
    limits: { engines: 50, embedded: 10, kept: 100, integers: 50, calls: 60 },
  })
  expect(failures.join('\n\n')).toBe('')
  expect(Object.fromEntries(covered)).toMatchObject({
    engines: 50,
    embedded: 10,
    kept: 100,
    integers: 50,
    calls: 60,
    cache: 75,
    partitions: 75,
    memory: CASES,
  })
  expect(covered.get('restart')).toBeGreaterThan(200)
  expect(covered.get('crash')).toBeGreaterThan(100)
  expect(covered.get('merged')).toBeGreaterThan(100)
}, 300_000)

test('the same seed and number make the same case again', async () => {
  const { generateCase, showCase } = await import('./generated-case.ts')
  expect(showCase(generateCase(7, 3))).toBe(showCase(generateCase(7, 3)))
  expect(showCase(generateCase(7, 3))).not.toBe(showCase(generateCase(8, 3)))
})
