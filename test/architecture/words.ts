import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import type { Argument, Expression } from 'oxc-parser'

const root = join(import.meta.dirname, '..', '..')

/** Files that programs write, and files of others. */
const NOT_OURS = /(^|\/)(node_modules|dist|recorded|\.snippets-\w+)\/|^docs\/api\//

/** One place whose words a native reader would have to read twice. */
export interface Fault {
  readonly file: string
  readonly line: number
  readonly fault: string
  readonly found: string
}

/** A comment, a string of code, or a paragraph of a page. */
interface Prose {
  readonly kind: 'comment' | 'string' | 'markdown'
  readonly text: string
  readonly line: number
}

/** Patterns of words, each with the words to write instead and the kinds of prose that it concerns (default: all). */
const WORDS: readonly (readonly [fault: string, pattern: RegExp, kinds?: readonly Prose['kind'][]])[] = [
  ['begin with the noun or verb', /(?:^|[.!] |@\w+ (?:\w+ )?)(?:Of|Who|Whom|Whose|Whoever)\b(?![^.!]*\?)/, ['comment']],
  ['begin with the noun or verb', /^(?:Of|Whom|Whoever)\b(?![^.!]*\?)/, ['string', 'markdown']],
  ['name the one who', /\b(?:by|for|from|of|than|to|with) who\b/],
  ['"notified", "given" or "is called" instead of "told"', /\btold\b(?! apart)/i],
  ['"again" instead of "anew"', /\banew\b/i],
  ['"returns" instead of "answers"', /(?:^|[,;.] |\band )answers\b(?! (?:of|to|from|that|are|in)\b)/i, ['comment']],
  [
    '"returns" instead of "answers"',
    /(?<!and )\banswers (?:with )?(?:null|undefined|true|false|how|whether|which|its|a promise)\b/i,
    ['comment'],
  ],
  ['"before" instead of "in front of"', /\bin front of\b/i],
]

/** Functions of other files that take a hint, each with its argument's index. Those of the same file are found. */
const HINT_HELPERS: readonly (readonly [string, number])[] = [
  ['topologyError', 2],
  ['numberRange', 2],
  ['noEventTime', 3],
]

/** Paths, from the root of the project, of all files whose words are checked. */
export function writtenFiles(): string[] {
  const folders = ['src', 'console', 'test', 'bench', 'examples', 'docs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file))),
  )
  return [...readdirSync(root), ...folders]
    .map((file) => file.split(sep).join('/'))
    .filter((file) => /\.(tsx?|md)$/.test(file) && !NOT_OURS.test(file))
    .sort()
}

export function faultsOfFile(file: string): Fault[] {
  return faultsOf(file, readFileSync(join(root, file), 'utf8'))
}

/** All faults of a file: its width, its words and, in `src`, its hints. */
export function faultsOf(file: string, text: string): Fault[] {
  return [
    ...wideLines(file, text),
    ...(file.endsWith('.md') ? wordsOf(file, paragraphs(text)) : faultsOfCode(file, text)),
  ]
}

/** Tables and the addresses of links cannot be broken, nor can the output of programs. */
function wideLines(file: string, text: string): Fault[] {
  const isMarkdown = file.endsWith('.md')
  let isOutput = false
  return text.split('\n').flatMap((line, index) => {
    if (isMarkdown && line.startsWith('```')) isOutput = line === '```text'
    if (line.length <= 120 || isOutput) return []
    const broken = isMarkdown ? line.replaceAll(/\]\([^)]*\)|https?:\S+/g, '') : line
    if (broken.length <= 120 || (isMarkdown && line.trimStart().startsWith('|'))) return []
    return [
      { file, line: index + 1, fault: `at most 120 columns, not ${line.length}`, found: line.trim().slice(0, 60) },
    ]
  })
}

function faultsOfCode(file: string, text: string): Fault[] {
  const { program, comments, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const prose: Prose[] = []
  const hints: Prose[] = []
  const lineOf = lines(text)
  let above = -2
  for (const { type, value, start } of comments) {
    const line = lineOf(start)
    const last = prose.at(-1)
    if (type === 'Line' && last !== undefined && above === line - 1) {
      prose[prose.length - 1] = { ...last, text: `${last.text} ${value.trim()}` }
    } else {
      prose.push({ kind: 'comment', text: value.replaceAll(/\s*\n\s*\*? ?/g, ' ').replace(/^\*?\s*/, ''), line })
    }
    above = type === 'Line' ? line : -2
  }
  const helpers = new Map(HINT_HELPERS)
  const calls: { readonly name: string; readonly given: readonly Argument[] }[] = []
  const hintsOf = (value: Argument | null | undefined): void => {
    for (const hint of textsOf(value)) hints.push({ kind: 'string', text: hint.text, line: lineOf(hint.start) })
  }
  new Visitor({
    Literal: ({ value, start }) => {
      if (typeof value === 'string') prose.push({ kind: 'string', text: value, line: lineOf(start) })
    },
    TemplateElement: ({ value, start }) => {
      prose.push({ kind: 'string', text: value.cooked ?? '', line: lineOf(start) })
    },
    Property: ({ key, value }) => {
      if (key.type === 'Identifier' && key.name === 'hint') hintsOf(value as Expression)
    },
    VariableDeclarator: ({ id, init }) => {
      if (id.type === 'Identifier' && /^hint$|_HINT$/.test(id.name)) hintsOf(init)
    },
    FunctionDeclaration: ({ id, params }) => {
      const at = params.findIndex((param) => param.type === 'Identifier' && param.name === 'hint')
      if (id !== null && at !== -1) helpers.set(id.name, at)
    },
    CallExpression: ({ callee, arguments: given }) => {
      if (callee.type === 'Identifier') calls.push({ name: callee.name, given })
      const name = callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : ''
      const object = callee.type === 'MemberExpression' ? text.slice(callee.object.start, callee.object.end) : ''
      const at = name === 'refuse' || name === 'error' ? 1 : name === 'missing' ? 0 : -1
      if (/^(place|inner)$/.test(object)) hintsOf(given[at])
    },
  }).visit(program)
  for (const { name, given } of calls) hintsOf(given[helpers.get(name) ?? -1])
  return [...wordsOf(file, prose), ...(file.startsWith('src/') ? hints.flatMap((hint) => faultOfHint(file, hint)) : [])]
}

/** The texts that an expression may have. `…` stands for the inserted parts of a template, which nobody knows here. */
function textsOf(value: Argument | null | undefined): readonly { readonly text: string; readonly start: number }[] {
  if (value === null || value === undefined) return []
  if (value.type === 'Literal')
    return typeof value.value === 'string' ? [{ text: value.value, start: value.start }] : []
  if (value.type === 'ConditionalExpression') return [...textsOf(value.consequent), ...textsOf(value.alternate)]
  if (value.type === 'LogicalExpression') return [...textsOf(value.left), ...textsOf(value.right)]
  if (value.type !== 'TemplateLiteral') return []
  return [{ text: value.quasis.map((quasi) => quasi.value.cooked).join('…'), start: value.start }]
}

function faultOfHint(file: string, { text, line }: Prose): Fault[] {
  if (text === '') return []
  if (/^[a-z]/.test(text)) return [{ file, line, fault: 'a hint begins with a capital letter', found: text }]
  return /[.?!…]$/.test(text) ? [] : [{ file, line, fault: 'a hint ends with a period', found: text }]
}

function wordsOf(file: string, prose: readonly Prose[]): Fault[] {
  return prose.flatMap(({ kind, text, line }) =>
    WORDS.filter(([, , kinds]) => kinds === undefined || kinds.includes(kind)).flatMap(([fault, pattern]) => {
      const at = pattern.exec(text)?.index
      return at === undefined ? [] : [{ file, line, fault, found: text.slice(Math.max(0, at - 20), at + 40) }]
    }),
  )
}

/** Splits a page into paragraphs, list items and table rows. */
function paragraphs(text: string): Prose[] {
  const found: Prose[] = []
  let begun: Prose | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim()
    const isNew = words === '' || /^([-*|#>]|\d+\.|```)/.test(words)
    if (begun !== undefined && !isNew) begun = { ...begun, text: `${begun.text} ${words}` }
    else {
      if (begun !== undefined) found.push(begun)
      begun =
        words === '' ? undefined : { kind: 'markdown', text: words.replace(/^([-*#>]+|\d+\.) /, ''), line: index + 1 }
    }
  }
  return begun === undefined ? found : [...found, begun]
}

/** Finds the line of an offset. */
function lines(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
