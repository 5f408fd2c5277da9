import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './snippets.ts'

/** Codes in quotes, as they are raised; comments name them without. */
function codesRaised(): Set<string> {
  const files = readdirSync(join(root, 'src'), { recursive: true }).map(String)
  const codes = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(join(root, 'src', file), 'utf8').matchAll(/['`](MR_[A-Z_]*[A-Z])['`]/g)])
  return new Set(codes.map((match) => match[1] ?? ''))
}

function codesDocumented(): string[] {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  return [...page.matchAll(/^\| `(MR_[A-Z_]+)` +\|/gm)].map((match) => match[1] ?? '')
}

test('docs/errors.md explains every error code, each once, and none that does not exist', () => {
  const documented = codesDocumented()
  expect(documented.toSorted()).toEqual([...codesRaised()].toSorted())
})
