import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MillraceError, describe as describeTopology } from '../../src/index.ts'
import type { Scenario } from './scenario.ts'
import { scenarioApp } from './scenario-topology.ts'

const recorded = new URL('./recorded/', import.meta.url)
const files = ['curated', 'random'].flatMap((directory) =>
  readdirSync(new URL(`${directory}/`, recorded)).map((file) => `${directory}/${file}`),
)

function scenariosOf(file: string): Scenario[] {
  return JSON.parse(readFileSync(new URL(file, recorded), 'utf8'))
}

/** Topic extractors are functions here, whose names Java does not have. */
function comparable(description: string): string {
  return description.replaceAll(/extractor class: [^)]*\)/g, 'extractor class: X)').trim()
}

describe.each(files)('topologies of %s', (file) => {
  it('are described as Kafka Streams describes them', () => {
    const described = scenariosOf(file).filter(({ expect: { describe: text } }) => text !== undefined)
    expect(described.length).toBeGreaterThan(0)
    for (const scenario of described) {
      const { name, expect: recordedResult } = scenario
      const text = describeTopology(scenarioApp(scenario).topology())
      expect({ name, text: comparable(text) }).toEqual({ name, text: comparable(recordedResult.describe ?? '') })
    }
  })
})

describe('impossible topologies', () => {
  const impossible = files.flatMap(scenariosOf).filter(({ expect: { error } }) => error?.phase === 'build')

  it.each(impossible)('$name is refused where Kafka Streams refuses it', (scenario) => {
    expect(() => scenarioApp(scenario).topology()).toThrow(MillraceError)
  })
})
