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
  const scenarios = scenariosOf(file)
  const described = scenarios.filter(({ expect: { describe: text } }) => text !== undefined)

  it('are described as Kafka Streams describes them', () => {
    for (const scenario of described) {
      const text = describeTopology(scenarioApp(scenario).topology())
      expect(comparable(text), scenario.name).toBe(comparable(scenario.expect.describe ?? ''))
    }
  })

  const impossible = scenarios.filter(({ expect: { error } }) => error?.phase === 'build')
  it.runIf(impossible.length > 0)('are refused where Kafka Streams refuses them', () => {
    for (const scenario of impossible) {
      expect(() => scenarioApp(scenario).topology(), scenario.name).toThrow(MillraceError)
    }
  })
})
