import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { METRICS } from 'millrace'
import { withMetricTables } from './metric-tables.ts'
import { root } from './snippets.ts'

const page = join(root, 'docs', 'monitoring.md')

test('docs/monitoring.md has the metrics as the catalogue has them', async () => {
  await expect(withMetricTables(readFileSync(page, 'utf8'))).toMatchFileSnapshot(page)
})

test('docs/monitoring.md shows every metric, and names no other', () => {
  const text = readFileSync(page, 'utf8')
  const tables = [...text.matchAll(/^\| `(\w+)` +\| (?:counter|gauge|histogram) /gm)].map(([, name]) => name)
  expect(tables.toSorted()).toEqual(Object.keys(METRICS).toSorted())
  const named = [...text.matchAll(/\b(?:millrace|process|nodejs)_\w+/g)].map(([name]) => name)
  expect(named.filter((name) => !Object.hasOwn(METRICS, name))).toEqual([])
})
