import type { ScenarioResult, ShownRecord } from './scenario.ts'

/** The first difference between what was recorded and what was done, or null. */
export function firstDifference(want: ScenarioResult, got: ScenarioResult): string | null {
  if (want.error?.phase !== got.error?.phase) return `error: expected ${show(want.error)}, got ${show(got.error)}`
  if (want.error?.phase === 'build') return null
  if (want.error?.input !== got.error?.input) return `error: expected ${show(want.error)}, got ${show(got.error)}`
  const output = differentOutput(want, got)
  if (output !== null || want.error !== undefined) return output
  for (const [name, rows] of Object.entries(want.stores ?? {})) {
    const found = got.stores?.[name]
    const same = name === '$probes' ? canonical(rows) === canonical(found) : sorted(rows) === sorted(found)
    if (!same) return `store ${name}: expected ${show(rows)}, got ${show(found)}`
  }
  if (want.droppedRecords !== undefined && want.droppedRecords !== got.droppedRecords) {
    return `dropped records: expected ${want.droppedRecords}, got ${got.droppedRecords}`
  }
  if (want.producedTopics !== undefined && canonical(want.producedTopics) !== canonical(got.producedTopics)) {
    return `produced topics: expected ${show(want.producedTopics)}, got ${show(got.producedTopics)}`
  }
  if (want.describe !== undefined && want.describe.trim() !== anonymous(got.describe ?? '')) {
    return `description: expected ${want.describe}, got ${got.describe}`
  }
  return null
}

function differentOutput(want: ScenarioResult, got: ScenarioResult): string | null {
  const topics = new Set([...Object.keys(want.outputs ?? {}), ...Object.keys(got.outputs ?? {})])
  for (const topic of [...topics].sort()) {
    const expected = want.outputs?.[topic] ?? []
    const found = got.outputs?.[topic] ?? []
    for (let i = 0; i < Math.max(expected.length, found.length); i++) {
      const [a, b] = [expected[i], found[i]]
      if (canonical(shape(a)) === canonical(shape(b))) continue
      const counts = `${expected.length} and ${found.length} records`
      return `output ${topic}[${i}]: expected ${show(a)}, got ${show(b)} (${counts})`
    }
  }
  return null
}

function shape(record: ShownRecord | undefined): unknown {
  if (record === undefined) return null
  const { key, value, timestamp, headers } = record
  return { key, value, timestamp, ...(headers !== undefined && headers.length > 0 ? { headers } : {}) }
}

function canonical(value: unknown): string {
  if (value === undefined) return 'null'
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}

function sorted(rows: readonly unknown[] | undefined): string {
  return rows === undefined ? 'none' : rows.map(canonical).sort().join('\n')
}

/** Topic extractors have no class here. */
function anonymous(description: string): string {
  return description.trim().replaceAll(/extractor class: [^)]*\)/g, 'extractor class: X)')
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}
