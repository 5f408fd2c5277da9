import { describe, expect, test } from 'vitest'
import { firstDifference } from './compare.ts'
import { recordedFiles, recordedScenarios } from './recorded.ts'
import { runScenario } from './run-scenario.ts'

describe.each(recordedFiles())('%s: the answers of Kafka Streams', (file) => {
  test.each(recordedScenarios(file).map((scenario) => [scenario.name, scenario] as const))('%s', (_name, scenario) => {
    expect(firstDifference(scenario.expect, runScenario(scenario))).toBeNull()
  })
})
