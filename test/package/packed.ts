import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const root = join(import.meta.dirname, '../..')

const run = promisify(execFile)

/** A directory that is removed at the end of its scope. */
export class TemporaryDirectory implements Disposable {
  readonly path: string

  constructor(purpose: string) {
    this.path = mkdtempSync(join(tmpdir(), `millrace-${purpose}-`))
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Builds the package without its console, and packs it as `npm publish` does. @returns the tarball */
export async function packInto(directory: string): Promise<string> {
  const library = join(directory, 'package')
  mkdirSync(library, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options = ['--noCheck', '--outDir', join(library, 'dist')]
  await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), ...options])
  for (const part of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'])
    cpSync(join(root, part), join(library, part))
  await run('npm', ['pack', '--pack-destination', directory], { cwd: library })
  const tarball = readdirSync(directory).find((file) => file.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${directory}`)
  return join(directory, tarball)
}

/** Makes a project of ES modules in which a tarball is installed; its dependencies are those of this repository. */
export async function projectWith(tarball: string, project: string): Promise<string> {
  const library = join(project, 'node_modules/millrace')
  mkdirSync(library, { recursive: true })
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', library])
  if (!existsSync(join(library, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(library, 'node_modules'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  return library
}
