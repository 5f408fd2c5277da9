import { describe, expect, test } from 'vitest'
import { firstDifference } from './compare.ts'
import { KNOWN_DIFFERENCES } from './known-differences.ts'
import { recordedFiles, recordedScenarios } from './recorded.ts'
import { runScenario } from './run-scenario.ts'

describe.each(recordedFiles())('%s: the answers of Kafka Streams', (file) => {
  const scenarios = recordedScenarios(file).map((scenario) => [scenario.name, scenario] as const)

  test.each(scenarios)('%s', (name, scenario) => {
    const difference = firstDifference(scenario.expect, runScenario(scenario))
    if (KNOWN_DIFFERENCES.has(name)) expect(difference, 'a known difference that is none any more').not.toBeNull()
    else expect(difference).toBeNull()
  })
})

test('every known difference is a recorded scenario', () => {
  const recorded = new Set(recordedFiles().flatMap((file) => recordedScenarios(file).map(({ name }) => name)))
  expect([...KNOWN_DIFFERENCES.keys()].filter((name) => !recorded.has(name))).toEqual([])
})
