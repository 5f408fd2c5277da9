/** Prints one JSON line for each scenario of the files named: what came of it, without comparing. */
import { readFileSync } from 'node:fs'
import { runScenario } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'

for (const file of process.argv.slice(2)) {
  const scenarios: Scenario[] = [JSON.parse(readFileSync(file, 'utf8'))].flat()
  for (const { name, theme, config, topology, inputs, probes } of scenarios) {
    const result = runScenario({ name, theme, config, topology, inputs, ...(probes === undefined ? {} : { probes }) })
    process.stdout.write(`${JSON.stringify({ name, ...result })}\n`)
  }
}
