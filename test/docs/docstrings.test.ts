import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './snippets.ts'

/** Names that a module exports, with the file that declares each. */
function exportsOf(file: string): Map<string, string> {
  const text = readFileSync(join(root, file), 'utf8')
  const found = new Map<string, string>()
  for (const [, name = ''] of text.matchAll(
    /^export (?:abstract |async )?(?:class|const|function\*?|interface|type) (\w+)/gm,
  )) {
    found.set(name, file)
  }
  for (const [, list, path = ''] of text.matchAll(/^export (?:type )?(?:\{([^}]*)\}|\*) from '(.*?)'/gm)) {
    const target = join(dirname(file), path)
    const names = list === undefined ? [...exportsOf(target).keys()] : namesIn(list)
    for (const name of names) found.set(name, exportsOf(target).get(name) ?? target)
  }
  return found
}

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.replace('type ', '').trim())
    .filter((name) => name !== '')
}

function isDocumented(name: string, file: string): boolean {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const declares = new RegExp(`^export (?:abstract |async )?(?:class|const|function\\*?|interface|type) ${name}\\b`)
  const at = lines.findIndex((line) => declares.test(line))
  return at > 0 && (lines[at - 1] ?? '').trimEnd().endsWith('*/')
}

test.each(['src/index.ts', 'src/testing/index.ts', 'src/kafka/index.ts'])(
  'everything that %s exports is documented',
  (file) => {
    const names = exportsOf(file)
    expect(names.size).toBeGreaterThan(0)
    const bare = [...names].filter(([name, declaredIn]) => !isDocumented(name, declaredIn))
    expect(bare.map(([name, declaredIn]) => `${name} in ${declaredIn}`)).toEqual([])
  },
)
