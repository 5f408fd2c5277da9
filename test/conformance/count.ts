/**
 * Runs every recorded scenario and prints, by theme, how many have the recorded result: `npm run conformance`. Known
 * differences count as failures, too.
 */
import { firstDifference } from './compare.ts'
import { KNOWN_DIFFERENCES } from './known-differences.ts'
import { recordedFiles, recordedScenarios } from './recorded.ts'
import { runScenario } from './run-scenario.ts'

const shown = 50
const themes = new Map<string, { passed: number; failed: number }>()
let passed = 0
let failed = 0
let unknown = 0
for (const scenario of recordedFiles().flatMap(recordedScenarios)) {
  const name = scenario.theme.startsWith('random') ? 'random' : scenario.theme
  const theme = themes.get(name) ?? { passed: 0, failed: 0 }
  themes.set(name, theme)
  let difference: string | null
  try {
    difference = firstDifference(scenario.expect, runScenario(scenario))
  } catch (error) {
    difference = String(error)
  }
  if (difference === null) {
    passed++
    theme.passed++
    continue
  }
  theme.failed++
  const known = KNOWN_DIFFERENCES.get(scenario.name)
  if (known === undefined) unknown++
  if (failed++ < shown) console.log(`FAIL ${scenario.name}\n     ${known ?? difference}`)
}
for (const [name, count] of themes) {
  console.log(
    `${name.padEnd(22)} ${String(count.passed).padStart(4)} passed ${String(count.failed).padStart(4)} failed`,
  )
}
console.log(`${passed} passed, ${failed} failed, ${failed - unknown} of them known differences`)
process.exitCode = unknown === 0 && passed > 0 ? 0 : 1
