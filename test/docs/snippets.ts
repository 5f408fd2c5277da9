import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Snippet {
  /** `README.md:12`: where its first line of code is. */
  readonly place: string
  readonly code: string
}

const root = join(import.meta.dirname, '../..')

/** Every block marked `ts` in README.md and docs/, in order. A block marked `ts continued` belongs to the one before. */
export function readSnippets(): Snippet[] {
  const pages = [
    'README.md',
    ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${String(name)}`),
  ]
  return pages
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) => snippetsOf(page, readFileSync(join(root, page), 'utf8')))
}

function snippetsOf(page: string, text: string): Snippet[] {
  const snippets: Snippet[] = []
  let open: { line: number; marks: string[]; code: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    if (open !== undefined) {
      if (!line.startsWith('```')) {
        open.code.push(line)
        continue
      }
      const before = snippets.at(-1)
      if (open.marks.includes('continued') && before !== undefined) {
        snippets[snippets.length - 1] = { ...before, code: `${before.code}${open.code.join('\n')}\n` }
      } else {
        snippets.push({ place: `${page}:${open.line}`, code: `${open.code.join('\n')}\n` })
      }
      open = undefined
      continue
    }
    const marks = /^```(.*)$/.exec(line)?.[1]?.trim().split(/\s+/)
    if (marks?.[0] === 'ts') open = { line: index + 2, marks, code: [] }
    else if (marks !== undefined) open = undefined
  }
  return snippets
}
