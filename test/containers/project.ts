import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildConsole } from '../../console/build.ts'
import { run } from './command.ts'

const MILLRACE = 'file:millrace.tgz'
const root = join(import.meta.dirname, '../..')

/**
 * Makes the project of a user in a directory: the template, with `deploy/` copied beside it, and this checkout as the
 * package `millrace`.
 */
export async function makeProject(directory: string): Promise<void> {
  const tarball = await pack(join(directory, 'package'))
  cpSync(tarball, join(directory, 'millrace.tgz'))
  rmSync(join(directory, 'package'), { recursive: true })
  cpSync(join(root, 'deploy'), join(directory, 'deploy'), { recursive: true })
  cpSync(join(root, 'deploy/template/app.ts'), join(directory, 'app.ts'))
  const own = { name: 'payment-totals', dependencies: { millrace: MILLRACE } }
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ ...own, private: true, type: 'module' }))
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lockOf(own)))
}

/** The fields of a package that a lock has, too. */
const LOCKED = ['version', 'dependencies', 'optionalDependencies', 'peerDependencies', 'peerDependenciesMeta'] as const

/** The lock of a project that has this checkout as a package, and so the versions that the cache of npm has already. */
function lockOf(own: { readonly name: string }): object {
  const read = (file: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, unknown>
  const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, { readonly dev?: boolean }>> }
  const needed = Object.entries(packages).filter(([name, { dev }]) => name !== '' && dev !== true)
  const manifest = read('package.json')
  const millrace = Object.fromEntries(LOCKED.map((field) => [field, manifest[field]]))
  return {
    name: own.name,
    lockfileVersion: 3,
    requires: true,
    packages: { '': own, 'node_modules/millrace': { ...millrace, resolved: MILLRACE }, ...Object.fromEntries(needed) },
  }
}

/** Packs the package as it is published, in a directory of its own: `dist` of the checkout is not touched. */
async function pack(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', join(directory, 'dist')])
  await buildConsole(join(directory, 'dist/console'))
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: readonly string[] }
  for (const file of ['package.json', ...files]) {
    if (file === 'dist') continue
    if (!existsSync(join(root, file))) throw new Error(`package.json names ${file}, which is not there`)
    cpSync(join(root, file), join(directory, file), { recursive: true })
  }
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json'], { cwd: directory })
  const [{ filename }] = JSON.parse(packed) as [{ readonly filename: string }]
  return join(directory, filename)
}
