import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineApp, MillraceError } from '../../src/index.ts'
import { root } from './snippets.ts'

/** Names of the members of an interface in a source file. */
function membersOf(file: string, name: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const body = new RegExp(`export interface ${name} (?:extends .*?)?\\{\n([\\s\\S]*?)\n\\}`).exec(text)?.[1] ?? ''
  return [...body.matchAll(/^  readonly (\w+)\??:/gm)].map((match) => match[1] ?? '')
}

const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
const [aboutDefineApp = ''] = page.split('## Where it runs')
const rows = new Map(
  [...aboutDefineApp.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)].map((match) => [match[1] ?? '', match[2] ?? ''] as const),
)

/** As the refusal of an unknown one lists them. */
function settingsThatExist(): string[] {
  const config = { id: 'app', build: () => {}, nonsense: 1 }
  try {
    defineApp(config)
  } catch (error) {
    if (error instanceof MillraceError) return error.hint?.replace('its settings are ', '').split(', ') ?? []
  }
  return []
}

test('docs/configuration.md explains every setting of an application, and none that does not exist', () => {
  expect([...rows.keys()].toSorted()).toEqual(settingsThatExist().toSorted())
})

test('docs/configuration.md states the defaults that settings have', () => {
  const settings: ReadonlyMap<string, unknown> = new Map(
    Object.entries(defineApp({ id: 'app', build: () => {} }).settings),
  )
  let compared = 0
  for (const [name, shown] of rows) {
    const value = settings.get(name)
    const literal = /^`(.+)`$/.exec(shown)?.[1]
    if (literal === undefined || value === undefined) continue
    expect([name, literal]).toEqual([name, typeof value === 'string' ? `'${value}'` : String(value)])
    compared++
  }
  expect(compared).toBeGreaterThan(10)
})

test.each([
  ['docs/kafka.md', 'src/kafka/connection-options.ts', 'KafkaOptions'],
  ['docs/configuration.md', 'src/runtime/streams.ts', 'StreamsOptions'],
  ['docs/configuration.md', 'src/log/embedded/embedded-log.ts', 'EmbeddedLogOptions'],
])('%s explains every option of %s, %s', (file, source, name) => {
  const text = readFileSync(join(root, file), 'utf8')
  const options = membersOf(source, name)
  expect(options).not.toEqual([])
  expect(options.filter((option) => !text.includes(`\`${option}\``))).toEqual([])
})
