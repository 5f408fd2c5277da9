import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OPTION_TABLES, withOptionTables } from './option-tables.ts'
import { root } from './snippets.ts'

const pages = [
  'docs/configuration.md',
  'docs/configuration-without-code.md',
  'docs/kafka.md',
  'docs/testing.md',
  'docs/serdes.md',
  'docs/server.md',
  'docs/security.md',
  'docs/dead-letters.md',
  'docs/topics.md',
  'docs/state.md',
  'docs/upgrades.md',
  'docs/monitoring.md',
  'docs/connectors.md',
  'docs/files.md',
  'docs/files.md',
]

test.each(pages)('%s has the options as they are checked: name, type, default and meaning', async (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  await expect(withOptionTables(text)).toMatchFileSnapshot(join(root, page))
})

test('every table of options stands in a page', () => {
  const text = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n')
  expect([...OPTION_TABLES.keys()].filter((name) => !text.includes(`<!-- options: ${name} -->`))).toEqual([])
})
