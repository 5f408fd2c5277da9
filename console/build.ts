import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Packages whose code or fonts are in the console, and so their licenses. */
const BUNDLED = [
  '@dagrejs/dagre',
  '@fontsource-variable/geist',
  '@fontsource-variable/geist-mono',
  '@preact/signals',
  'preact',
]

/**
 * Bundles the console into `directory`: `index.html` and the files that it names. Files that are as they were are left
 * alone, so that whoever watches them is not called.
 *
 * @returns the size of each file, gzipped
 */
export async function buildConsole(directory = join(root, 'dist/console')): Promise<Map<string, number>> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'console/src/main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    outdir: directory,
    entryNames: 'console-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'file' },
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    tsconfigRaw: {},
    write: false,
  })
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]))
  const named = (extension: string): string => [...files.keys()].find((name) => name.endsWith(extension)) ?? ''
  const page = readFileSync(join(root, 'console/src/index.html'), 'utf8')
  files.set('index.html', Buffer.from(page.replace('console.css', named('.css')).replace('console.js', named('.js'))))
  files.set('mark.svg', readFileSync(join(root, 'console/src/mark.svg')))
  files.set('licenses.txt', Buffer.from(licenses()))
  write(directory, files)
  return new Map([...files].map(([name, bytes]) => [name, gzipSync(bytes).length]))
}

/** Each file appears whole: a server may read them meanwhile. */
function write(directory: string, files: ReadonlyMap<string, Buffer>): void {
  mkdirSync(directory, { recursive: true })
  const old = readdirSync(directory)
  for (const [name, bytes] of files) {
    const path = join(directory, name)
    if (old.includes(name) && readFileSync(path).equals(bytes)) continue
    const part = join(directory, `.${name}.${process.pid}`)
    writeFileSync(part, bytes)
    renameSync(part, path)
  }
  for (const name of old) if (!files.has(name)) rmSync(join(directory, name), { force: true })
}

function licenses(): string {
  return BUNDLED.map((name) => {
    const folder = join(root, 'node_modules', name)
    const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file)) ?? ''
    return `${name}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`
  }).join(`\n${'-'.repeat(80)}\n\n`)
}

if (import.meta.main) await buildConsole()
