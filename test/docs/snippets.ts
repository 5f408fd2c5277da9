import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Snippet {
  /** `docs/state.md` */
  readonly page: string
  /** `README.md:12`: where its first line of code is. */
  readonly place: string
  /** With the lines of the page's setup block in front. */
  readonly code: string
  readonly setupLines: number
  /** What the page says that it prints. */
  readonly output: ShownOutput | undefined
}

export interface ShownOutput {
  readonly text: string
  /** False: shown in comments, where line breaks and blanks are the author's. */
  readonly exact: boolean
}

interface Fence {
  readonly line: number
  readonly marks: readonly string[]
  readonly code: string
  /** True if nothing but empty lines lies between it and the fence before. */
  readonly adjacent: boolean
}

export const root = join(import.meta.dirname, '../..')

/** README.md, CONTRIBUTING.md and every page of docs/, as paths from the root. */
export function readPages(): string[] {
  const pages = readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${String(name)}`)
  return ['README.md', 'CONTRIBUTING.md', ...pages.filter((page) => page.endsWith('.md')).sort()]
}

/**
 * Returns every block marked `ts` in these pages, in order. A block `ts setup` precedes every later block of the page.
 * A block `ts continued` belongs to the block before it. The output of a block stands in a block marked `text` right
 * after it, or in comments after `console.log(…)`.
 */
export function readSnippets(): Snippet[] {
  return readPages().flatMap((page) => snippetsOf(page, readFileSync(join(root, page), 'utf8')))
}

function snippetsOf(page: string, text: string): Snippet[] {
  const snippets: Snippet[] = []
  let setup = ''
  let language: string | undefined
  for (const { line, marks, code, adjacent } of fencesOf(text)) {
    const before = snippets.at(-1)
    const isOfSnippet = adjacent && language === 'ts'
    ;[language] = marks
    if (marks[0] === 'text' && isOfSnippet && before !== undefined) {
      snippets[snippets.length - 1] = { ...before, output: { text: code, exact: true } }
    } else if (marks[0] === 'ts' && marks.includes('continued') && before !== undefined) {
      const whole = `${before.code}${code}`
      snippets[snippets.length - 1] = { ...before, code: whole, output: outputInComments(whole) }
    } else if (marks[0] === 'ts') {
      const isSetup = marks.includes('setup')
      const front = isSetup ? '' : setup
      const setupLines = front.split('\n').length - 1
      const whole = `${front}${code}`
      snippets.push({ page, place: `${page}:${line}`, code: whole, setupLines, output: outputInComments(whole) })
      if (isSetup) setup = code
    }
  }
  return snippets
}

function* fencesOf(text: string): Generator<Fence> {
  let open: { line: number; marks: string[]; code: string; adjacent: boolean } | undefined
  let adjacent = false
  for (const [index, line] of text.split('\n').entries()) {
    if (open === undefined) {
      const marks = /^```(.*)$/.exec(line)?.[1]
      if (marks !== undefined) open = { line: index + 2, marks: marks.trim().split(/\s+/), code: '', adjacent }
      else if (line !== '') adjacent = false
    } else if (line.startsWith('```')) {
      yield open
      open = undefined
      adjacent = true
    } else {
      open.code += `${line}\n`
    }
  }
}

function outputInComments(code: string): ShownOutput | undefined {
  const lines = [...code.matchAll(/^ *console\.log\(.*\) \/\/ (.+)$/gm)].map((match) => match[1])
  return lines.length === 0 ? undefined : { text: lines.join('\n'), exact: false }
}
