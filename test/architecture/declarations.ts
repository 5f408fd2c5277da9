import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { parseSync, Visitor, type EcmaScriptModule, type Program, type Statement } from 'oxc-parser'

const root = join(import.meta.dirname, '..', '..')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

/** A declaration in a file of declarations, with all its overloads. */
export interface Declaration {
  /** The file, relative to `src` and without its extension. */
  readonly file: string
  readonly name: string
  /** The text without comments. */
  readonly text: string
  /** True for a class that is exported as a type: nobody can make or extend it. */
  readonly typeOnly?: boolean
  readonly usesAny: boolean
  /** The other declarations that it names. */
  readonly names: readonly Reference[]
}

/** The origin of a name. */
interface Reference {
  readonly file: string
  readonly name: string
  readonly typeOnly?: boolean
}

interface Module {
  readonly statements: ReadonlyMap<string, readonly Statement[]>
  /** Origins of names that are imported, or exported from elsewhere. */
  readonly imported: ReadonlyMap<string, Reference>
  readonly exported: ReadonlyMap<string, Reference>
  readonly stars: readonly string[]
  readonly textOf: (statement: Statement) => string
}

/** The declarations that the package is published with, as the compiler writes them. */
export class Declarations implements Disposable {
  readonly #directory: string
  readonly #modules = new Map<string, Module>()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async emit(): Promise<Declarations> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-declarations-'))
    const options = ['--noCheck', '--emitDeclarationOnly', '--outDir', directory]
    await promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), ...options])
    return new Declarations(directory)
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true })
  }

  /** Returns the compiler's complaints about a program that uses these declarations, and about the declarations. */
  async complaints(program: string): Promise<string[]> {
    writeFileSync(join(this.#directory, 'program.ts'), program)
    writeFileSync(join(this.#directory, 'package.json'), '{ "type": "module" }')
    symlinkSync(join(root, 'node_modules'), join(this.#directory, 'node_modules'))
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
    const options = { ...compilerOptions, customConditions: [], skipLibCheck: false }
    writeFileSync(join(this.#directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
    const run = promisify(execFile)(process.execPath, [tsc, '-p', this.#directory, '--pretty', 'false'])
    const { stdout } = await run.catch((error: { readonly stdout: string }) => error)
    return stdout.split('\n').filter((line) => line !== '' && !line.includes('node_modules/') && !line.startsWith(' '))
  }

  /** Returns the exports of a file by name. */
  exportsOf(file: string): Declaration[] {
    return this.#namesOf(file)
      .map((name) => this.#find({ file, name }))
      .map((found) => ({ ...this.#declaration(found), typeOnly: found.typeOnly === true }))
      .toSorted(byName)
  }

  /** Returns the declarations that these name, directly or not, without these. */
  reachedFrom(exported: readonly Declaration[]): Declaration[] {
    const seen = new Map(exported.map((one) => [key(one), one]))
    for (const { names } of seen.values()) {
      for (const name of names) if (!seen.has(key(name))) seen.set(key(name), this.#declaration(name))
    }
    return [...seen.values()].slice(exported.length).toSorted((a, b) => compare(a.file, b.file) || byName(a, b))
  }

  #declaration({ file, name }: Reference): Declaration {
    const { statements, textOf } = this.#module(file)
    const found = statements.get(name)
    if (found === undefined) throw new Error(`${file} declares no ${name}`)
    const used = new Set<string>()
    let usesAny = false
    new Visitor({
      Identifier: (node) => used.add(node.name),
      TSAnyKeyword: () => (usesAny = true),
      TSImportType: ({ source }) => {
        throw new Error(`${name} in ${file} imports from ${source.value} in place`)
      },
    }).visit({
      type: 'Program',
      sourceType: 'module',
      hashbang: null,
      body: [...found],
      start: 0,
      end: 0,
    })
    used.delete(name)
    const names = [...used].map((one) => this.#resolve(file, one)).filter((one) => one !== undefined)
    return { file, name, text: found.map(textOf).join('\n'), usesAny, names }
  }

  /** Returns the declaration of a name in a file; undefined for members, type parameters and names of packages. */
  #resolve(file: string, name: string): Reference | undefined {
    const { statements, imported } = this.#module(file)
    if (statements.has(name)) return { file, name }
    const from = imported.get(name)
    return from === undefined ? undefined : this.#find(from)
  }

  /** Returns the declaration of an exported name. */
  #find(reference: Reference): Reference {
    const { exported, stars, statements, imported } = this.#module(reference.file)
    const from = exported.get(reference.name)
    if (from !== undefined) return { ...this.#find(from), typeOnly: from.typeOnly === true }
    if (statements.has(reference.name)) return reference
    if (imported.has(reference.name)) return this.#find(imported.get(reference.name)!)
    const star = stars.find((file) => this.#namesOf(file).includes(reference.name))
    if (star === undefined) throw new Error(`${reference.file} exports no ${reference.name}`)
    return this.#find({ file: star, name: reference.name })
  }

  #namesOf(file: string): string[] {
    const { exported, stars, statements } = this.#module(file)
    const own = [...statements].filter(([, [one]]) => one?.type === 'ExportNamedDeclaration').map(([name]) => name)
    return [...exported.keys(), ...own, ...stars.flatMap((star) => this.#namesOf(star))]
  }

  #module(file: string): Module {
    let known = this.#modules.get(file)
    if (known === undefined) this.#modules.set(file, (known = readModule(this.#directory, file)))
    return known
  }
}

function readModule(directory: string, file: string): Module {
  const text = readFileSync(join(directory, `${file}.d.ts`), 'utf8')
  const { program, module, comments } = parseSync(`${file}.d.ts`, text)
  const textOf = ({ start, end }: Statement): string => {
    const inside = comments.filter((comment) => comment.start >= start && comment.end <= end)
    const starts = [start, ...inside.map((comment) => comment.end)]
    const pieces = starts.map((from, index) => text.slice(from, inside[index]?.start ?? end))
    return pieces
      .join('')
      .replace(/^(export )?declare /, '$1')
      .replace(/^ *#private;$/m, '')
      .replaceAll(/\n\s*(?=\n)/g, '')
  }
  return { statements: statementsOf(program), ...referencesOf(module, file), textOf }
}

function statementsOf(program: Program): Map<string, Statement[]> {
  const statements = new Map<string, Statement[]>()
  for (const statement of program.body) {
    for (const name of namesOf(statement)) statements.set(name, [...(statements.get(name) ?? []), statement])
  }
  return statements
}

function namesOf(statement: Statement): string[] {
  const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
  switch (declaration?.type) {
    case 'VariableDeclaration':
      return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
    case 'ClassDeclaration':
    case 'TSDeclareFunction':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return declaration.id === null ? [] : [declaration.id.name]
    default:
      return []
  }
}

function referencesOf(module: EcmaScriptModule, file: string): Pick<Module, 'imported' | 'exported' | 'stars'> {
  const imported = new Map<string, Reference>()
  const exported = new Map<string, Reference>()
  const stars: string[] = []
  const resolve = (path: string): string => join(dirname(file), path).replace(/\.ts$/, '')
  for (const { moduleRequest, entries } of module.staticImports) {
    if (!moduleRequest.value.startsWith('.')) continue
    for (const { localName, importName } of entries) {
      imported.set(localName.value, { file: resolve(moduleRequest.value), name: importName.name ?? localName.value })
    }
  }
  for (const { moduleRequest, importName, exportName, isType } of module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    if (moduleRequest === null) continue
    const from = resolve(moduleRequest.value)
    if (importName.name === null) stars.push(from)
    else exported.set(exportName.name ?? importName.name, { file: from, name: importName.name, typeOnly: isType })
  }
  return { imported, exported, stars }
}

function key({ file, name }: Reference): string {
  return `${file}#${name}`
}

function byName(a: Reference, b: Reference): number {
  return compare(a.name, b.name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
