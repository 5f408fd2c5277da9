import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readPages, root } from './snippets.ts'

const pages = readPages().map((page) => ({ page, text: readFileSync(join(root, page), 'utf8') }))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** The example of a new operator. */
const PLANNED = 'src/operators/stateless/sample.ts'
const architecture = readFileSync(join(root, 'docs/architecture.md'), 'utf8')

/** What a page sets in backticks, outside of its blocks. */
function codeOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
}

/** The file or folder that is named, from the root of the project or from `src`; undefined if there is none. */
function found(path: string): string | undefined {
  const bare = path.replace(/\/[*…]?$/, '')
  return ['', 'src'].map((folder) => join(root, folder, bare)).find(existsSync)
}

test.each(pages)('every file of the project that $page names exists', ({ text }) => {
  const paths = codeOf(text).filter((code) => /^[\w.][\w./-]*\/[\w.-]+\.(?:ts|md|json|java)$/.test(code))
  expect(paths.filter((path) => found(path) === undefined && path !== PLANNED)).toEqual([])
})

test.each(pages)('every npm command that $page names is in package.json', ({ text }) => {
  const names = [...text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name = '']) => name)
  expect(names.filter((name) => scripts[name] === undefined)).toEqual([])
})

describe.each(['CONTRIBUTING.md', 'docs/architecture.md'])('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')

  test('names files and folders that exist', () => {
    const paths = codeOf(text).filter((code) => /^[\w.-]+(?:\/[\w.-]*)+(?:[*…])?$/.test(code))
    const entries = [
      'millrace/connect',
      'millrace/kafka',
      'millrace/opentelemetry',
      'millrace/server',
      'millrace/testing',
    ]
    expect(paths.length).toBeGreaterThan(20)
    expect(paths.filter((path) => found(path) === undefined && ![...entries, PLANNED].includes(path))).toEqual([])
  })

  test('runs files that exist', () => {
    const commands = [...text.matchAll(/(?:npx vitest run|node --conditions=millrace-source) ([\w./-]+)/g)]
    expect(commands.filter(([, path = '']) => found(path) === undefined).map(([command]) => command)).toEqual([])
  })
})

test('CONTRIBUTING.md quotes the code as it is', () => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const quotes = [...text.matchAll(/^`{3,}typescript (\S+)\n([\s\S]*?)^`{3,}$/gm)]
  expect(quotes.length).toBeGreaterThan(3)
  const flush = (code: string): string => code.replaceAll(/^ +/gm, '')
  const read = (file: string): string => flush(readFileSync(join(root, file), 'utf8'))
  const changed = quotes.filter(([, file = '', code = '']) => !read(file).includes(flush(code)))
  expect(changed.map(([quote]) => quote)).toEqual([])
})

/** Rows of "Where is …?" that name both a file and something in it. */
const rows = architecture
  .slice(architecture.indexOf('## Where is'))
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(' | ')[1] ?? '')
  .map((answer) => ({ answer, code: codeOf(answer) }))
  .filter(({ code }) => code.some((one) => one.endsWith('.ts')) && code.some((one) => /^[A-Z]/.test(one)))

test.each(rows)('docs/architecture.md names what is there: $answer', ({ code }) => {
  const files = code.filter((one) => one.endsWith('.ts')).map(found)
  const text = files.map((file) => readFileSync(file!, 'utf8')).join('\n')
  const names = code.filter((one) => /^[A-Za-z]+(?:\.[a-zA-Z]+)?$/.test(one)).flatMap((one) => one.split('.'))
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
})
