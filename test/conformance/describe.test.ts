import { describe, expect, it } from 'vitest'
import { MillraceError, describe as describeTopology } from '../../src/index.ts'
import { KNOWN_DIFFERENCES } from './known-differences.ts'
import { recordedFiles, recordedScenarios } from './recorded.ts'
import { scenarioApp } from './scenario-topology.ts'

const files = recordedFiles()

/** Topic extractors are functions here, whose names Java does not have. */
function comparable(description: string): string {
  return description.replaceAll(/extractor class: [^)]*\)/g, 'extractor class: X)').trim()
}

describe.each(files)('topologies of %s', (file) => {
  it('are described as Kafka Streams describes them', () => {
    const described = recordedScenarios(file).filter(({ expect: { describe: text } }) => text !== undefined)
    expect(described.length).toBeGreaterThan(0)
    for (const scenario of described) {
      const { name, expect: recordedResult } = scenario
      const text = describeTopology(scenarioApp(scenario).topology())
      expect({ name, text: comparable(text) }).toEqual({ name, text: comparable(recordedResult.describe ?? '') })
    }
  })
})

describe('impossible topologies', () => {
  const impossible = files
    .flatMap(recordedScenarios)
    .filter(({ name }) => !KNOWN_DIFFERENCES.has(name))
    .filter(({ expect: { error } }) => error?.phase === 'build')

  it.each(impossible)('$name is refused where Kafka Streams refuses it', (scenario) => {
    expect(() => scenarioApp(scenario).topology()).toThrow(MillraceError)
  })
})
