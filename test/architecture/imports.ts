import { dirname, join, normalize, sep } from 'node:path'
import { readdirSync, readFileSync } from 'node:fs'
import { parseSync, Visitor } from 'oxc-parser'

const src = join(import.meta.dirname, '..', '..', 'src')

/** An import of a file, types included. Paths are relative to `src`. */
export interface Import {
  readonly file: string
  /** A path, or the name of a package. */
  readonly target: string
  readonly line: number
  /** True if it is erased with the types. */
  readonly type: boolean
}

/** Returns the text of every file of `src`, by path. */
export function sources(): Map<string, string> {
  const files = readdirSync(src, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
  return new Map(files.sort().map((file) => [file.split(sep).join('/'), readFileSync(join(src, file), 'utf8')]))
}

/** Returns the room of a file: its folder; `.` for `src` itself. */
export function roomOf(file: string): string {
  return dirname(file)
}

export function importsOf(files: ReadonlyMap<string, string>): Import[] {
  return [...files].flatMap(([file, text]) => importsOfFile(file, text))
}

/** Finds imports, exports from elsewhere, `import('…')` as value and type, `new URL('…')`, and `createRequire`. */
function importsOfFile(file: string, text: string): Import[] {
  const { program, module, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const found: Import[] = []
  const add = (specifier: string, start: number, type: boolean): void => {
    if (specifier.startsWith('node:')) return
    const target = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : packageOf(specifier)
    found.push({ file, target: target.split(sep).join('/'), line: text.slice(0, start).split('\n').length, type })
  }
  for (const { moduleRequest, entries, start } of module.staticImports) {
    add(moduleRequest.value, start, entries.length > 0 && entries.every((entry) => entry.isType))
  }
  for (const { entries, start } of module.staticExports) {
    const from = entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest
    if (from)
      add(
        from.value,
        start,
        entries.every((entry) => entry.isType),
      )
  }
  new Visitor({
    ImportExpression: ({ source, start }) => {
      if (source.type === 'Literal') add(String(source.value), start, false)
    },
    TSImportType: ({ source, start }) => add(source.value, start, true),
    NewExpression: ({ callee, arguments: [first], start }) => {
      const literal = first?.type === 'Literal' && typeof first.value === 'string' ? first.value : ''
      if (callee.type === 'Identifier' && callee.name === 'URL' && literal.startsWith('.')) add(literal, start, false)
    },
    CallExpression: ({ callee, arguments: [first], start }) => {
      const literal = first?.type === 'Literal' && typeof first.value === 'string' ? first.value : ''
      const maker = callee.type === 'CallExpression' ? callee.callee : callee
      if (maker.type === 'Identifier' && maker.name === 'createRequire' && literal !== '') add(literal, start, false)
    },
  }).visit(program)
  return found
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** Returns the strongly connected sets of more than one node, each sorted. */
export function cycles(edges: Iterable<readonly [string, string]>): string[][] {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of edges) {
    if (from === to) continue
    const known = next.get(from)
    if (known === undefined) next.set(from, new Set([to]))
    else known.add(to)
  }
  const found: string[][] = []
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const stack: string[] = []
  const visit = (node: string): number => {
    const number = order.size
    order.set(node, number)
    let low = number
    stack.push(node)
    for (const to of next.get(node) ?? []) {
      if (!order.has(to)) low = Math.min(low, visit(to))
      else if (stack.includes(to)) low = Math.min(low, order.get(to)!)
    }
    lowest.set(node, low)
    if (low === number) {
      const set = stack.splice(stack.indexOf(node))
      if (set.length > 1) found.push(set.sort())
    }
    return low
  }
  for (const node of next.keys()) if (!order.has(node)) visit(node)
  return found.sort((a, b) => (a[0]! < b[0]! ? -1 : 1))
}

/** Returns the cycles of folders if only the first `depth` names of a path count. */
export function folderCycles(imports: readonly Import[], depth: number): string[][] {
  const folder = (file: string): string => roomOf(file).split('/').slice(0, depth).join('/')
  return cycles(imports.filter(isInside).map(({ file, target }) => [folder(file), folder(target)]))
}

export function fileCycles(imports: readonly Import[]): string[][] {
  return cycles(imports.filter(isInside).map(({ file, target }) => [file, target]))
}

/** True for an import of a file of `src`. */
export function isInside({ target }: Import): boolean {
  return target.endsWith('.ts')
}
