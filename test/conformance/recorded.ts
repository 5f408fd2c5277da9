import { readdirSync, readFileSync } from 'node:fs'
import type { Scenario } from './scenario.ts'

const directory = new URL('./recorded/', import.meta.url)

/** Recorded files, as `curated/aggregate.json`. */
export function recordedFiles(): string[] {
  return ['curated', 'random'].flatMap((part) =>
    readdirSync(new URL(`${part}/`, directory))
      .filter((file) => file.endsWith('.json'))
      .map((file) => `${part}/${file}`),
  )
}

export function recordedScenarios(file: string): Scenario[] {
  return JSON.parse(readFileSync(new URL(file, directory), 'utf8'))
}
