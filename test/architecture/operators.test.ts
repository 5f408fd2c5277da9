import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { roomOf, sources } from './imports.ts'

/** The compiler requires the traits and the operator of a spec, but cannot know whether something builds the spec. */
test('every operator spec is built by a function of the DSL', () => {
  const text = readFileSync(join(import.meta.dirname, '../../src/topology/operator-spec.ts'), 'utf8')
  const specs = [...text.matchAll(/readonly op: '(\w+)'/g)].map(([, name]) => name as string)
  const builders = [...sources()].filter(([file]) =>
    ['dsl/nodes', 'dsl/handles', 'topology/graph'].includes(roomOf(file)),
  )
  const built = builders.flatMap(([, source]) => [...source.matchAll(/op: [^},]*?'(\w+)'/g)].map(([, name]) => name))
  expect(specs.length).toBeGreaterThan(40)
  expect(specs.filter((name) => !built.includes(name))).toEqual([])
})
