import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { readSnippets } from './snippets.ts'

const root = join(import.meta.dirname, '../..')
// Inside the package, so that `millrace` and its dependencies resolve as they do for its users.
const directory = mkdtempSync(join(root, 'test/docs/.snippets-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('every TypeScript snippet of README.md and docs/ compiles under strict settings', async () => {
  const snippets = readSnippets()
  expect(snippets.length).toBeGreaterThan(0)
  const files = snippets.map((snippet, index) => ({ name: `snippet-${index + 1}.ts`, snippet }))
  for (const { name, snippet } of files) writeFileSync(join(directory, name), `${snippet.code}\nexport {}\n`)
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'], compilerOptions: { noEmit: true } }),
  )
  const errors = await compile(directory)
  const placed = errors.replaceAll(/^.*?(snippet-\d+\.ts)\((\d+),/gm, (_match, name: string, line: string) => {
    const place = files.find((file) => file.name === name)?.snippet.place ?? name
    return `${place} + ${Number(line) - 1} lines (column `
  })
  expect(placed).toBe('')
})

async function compile(project: string): Promise<string> {
  try {
    await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--pretty', 'false'],
      { cwd: root },
    )
    return ''
  } catch (error) {
    return typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : String(error)
  }
}
