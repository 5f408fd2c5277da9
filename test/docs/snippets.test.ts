import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSnippets, root } from './snippets.ts'
import type { Snippet } from './snippets.ts'

// Inside the package, so that `millrace` and its dependencies resolve as they do for its users.
const directory = mkdtempSync(join(root, 'test/docs/.snippets-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const snippets = readSnippets()
const fileOf = (snippet: Snippet): string =>
  join(directory, `${snippet.page.replace(/\.md$/, '')}-${snippets.indexOf(snippet) + 1}.ts`)

beforeAll(() => {
  for (const snippet of snippets) {
    const file = fileOf(snippet)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${snippet.code}\nexport {}\n`)
  }
  copyFileSync(join(root, 'docs/example.ts'), join(directory, 'docs/example.ts'))
})

test('every TypeScript snippet of README.md and docs/ compiles under strict settings', async () => {
  expect(snippets.length).toBeGreaterThan(0)
  const config = join(directory, 'tsconfig.json')
  const compilerOptions = { noEmit: true }
  writeFileSync(config, JSON.stringify({ extends: '../../../tsconfig.json', include: ['**/*.ts'], compilerOptions }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const errors = await outputOf([tsc, '-p', config, '--pretty', 'false'], directory)
  // What they import from src/ is compiled with them; its errors are for the type check of the whole.
  const own = errors.split(/\n(?=\S)/).filter((error) => !error.startsWith('..'))
  const placed = own.join('\n').replaceAll(/^(\S+\.ts)\((\d+),/gm, (_match, name: string, line: string) => {
    const snippet = snippets.find((each) => relative(directory, fileOf(each)) === name)
    if (snippet === undefined) return `${name}:${line} (column `
    const inSnippet = Number(line) - snippet.setupLines - 1
    return inSnippet < 0 ? `the setup of ${snippet.place} (column ` : `${snippet.place} + ${inSnippet} lines (column `
  })
  expect(placed).toBe('')
})

const running = snippets.filter((snippet) => snippet.output !== undefined)
let printed: Promise<readonly string[]> | undefined

test.each(running.map((snippet) => [snippet.place, snippet] as const))(
  'the snippet of %s prints what the page shows',
  async (_place, snippet) => {
    printed ??= runAll()
    const actual = (await printed)[running.indexOf(snippet)] ?? ''
    const { text, exact } = snippet.output ?? { text: '', exact: true }
    if (exact) expect(actual).toBe(text)
    else expect(actual.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''))
  },
)

async function runAll(): Promise<readonly string[]> {
  const runner = join(root, 'test/docs/run-snippets.ts')
  const output = await outputOf(['--conditions=millrace-source', runner, ...running.map(fileOf)], directory)
  const all: unknown = JSON.parse(output)
  return Array.isArray(all) ? all.map(String) : []
}

/** What a Node process prints, whether it succeeds or not. */
async function outputOf(args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, maxBuffer: 1 << 26 })
    return stdout
  } catch (error) {
    return typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : String(error)
  }
}
