import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BEGIN, MISTAKES } from './mistakes.ts'
import { projectWith, root } from './packed.ts'

/** A program that imports all that the package exports. */
const EVERYTHING = `
import * as millrace from 'millrace'
import * as kafka from 'millrace/kafka'
import * as opentelemetry from 'millrace/opentelemetry'
import * as server from 'millrace/server'
import * as testing from 'millrace/testing'

export const all = [millrace, kafka, opentelemetry, server, testing]
`

/** The ways in which TypeScript finds packages, but for `nodenext`, under which the mistakes are compiled. */
export const RESOLUTIONS = {
  node16: { module: 'node16' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
}

/** The compiler of this repository. */
export const OWN_TYPESCRIPT = join(root, 'node_modules/typescript')

/** A project in which a tarball is installed, compiled by a TypeScript of choice with all of its declarations. */
export class CompiledProject {
  readonly directory: string
  readonly library: string

  private constructor(directory: string, library: string) {
    this.directory = directory
    this.library = library
  }

  static async create(tarball: string, directory: string): Promise<CompiledProject> {
    const library = await projectWith(tarball, directory)
    mkdirSync(join(directory, 'node_modules/@types'))
    for (const needed of ['@types/node', '@opentelemetry']) {
      symlinkSync(join(root, 'node_modules', needed), join(directory, 'node_modules', needed))
    }
    return new CompiledProject(directory, library)
  }

  /** Compiles a program that imports everything. @returns what the compiler prints: nothing if all is well */
  compileEverything(typescript: string, resolution: keyof typeof RESOLUTIONS): Promise<string> {
    return this.#compile(typescript, RESOLUTIONS[resolution], { 'program.ts': EVERYTHING })
  }

  /** Compiles the mistakes, with `nodenext`. @returns what the compiler says of each, and all lines of other places */
  async compileMistakes(typescript: string): Promise<{ readonly said: string; readonly elsewhere: readonly string[] }> {
    const programs = Object.entries(MISTAKES).map(([mistake, text]) => [nameOf(mistake), `${BEGIN}${text}\n`])
    const files: Record<string, string> = { 'program.ts': EVERYTHING, ...Object.fromEntries(programs) }
    const printed = await this.#compile(typescript, { module: 'nodenext' }, files)
    const messages = printed.split(/^(?=\S)/m).filter((message) => message !== '')
    const said = Object.keys(MISTAKES).map((mistake) => {
      const own = messages.filter((message) => message.startsWith(`${nameOf(mistake)}(`))
      return `${mistake}\n${own.map((message) => message.slice(message.indexOf(': ') + 2)).join('')}`
    })
    return { said: said.join('\n'), elsewhere: messages.filter((message) => !message.startsWith('mistake-')) }
  }

  async #compile(typescript: string, options: object, files: Readonly<Record<string, string>>): Promise<string> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text)
    const compilerOptions = { ...STRICT, ...options }
    const config = { compilerOptions, files: Object.keys(files) }
    writeFileSync(join(this.directory, 'tsconfig.json'), JSON.stringify(config))
    const args = [join(typescript, 'bin/tsc'), '-p', this.directory, '--pretty', 'false']
    const run = promisify(execFile)(process.execPath, args, { cwd: this.directory })
    const { stdout } = await run.catch((error: { readonly stdout: string }) => error)
    return stdout
  }
}

const STRICT = {
  target: 'es2023',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
}

function nameOf(mistake: string): string {
  return `mistake-${mistake.replaceAll(' ', '-')}.ts`
}
