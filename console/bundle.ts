import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

/** A page: the directory of its `index.html`, which names `page.css` and `page.js`, and of its `main.tsx`. */
export interface PageSource {
  readonly source: string
  /** Where its files go. What else is there is deleted. */
  readonly directory: string
  /** Files beside those that are bundled, by name. */
  readonly files?: ReadonlyMap<string, Buffer>
}

/**
 * Bundles a page. Files that are as they were are left alone, so that whoever watches them is not called.
 *
 * @returns its files by name
 */
export async function bundlePage({ source, directory, files: added = new Map() }: PageSource) {
  const { outputFiles } = await build({
    entryPoints: [join(source, 'main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    outdir: directory,
    entryNames: 'page-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.woff2': 'file' },
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    tsconfigRaw: {},
    write: false,
  })
  const files = new Map(added)
  for (const { path, contents } of outputFiles) files.set(basename(path), Buffer.from(contents))
  const named = (extension: string): string => [...files.keys()].find((name) => name.endsWith(extension)) ?? ''
  const page = readFileSync(join(source, 'index.html'), 'utf8')
  files.set('index.html', Buffer.from(page.replace('page.css', named('.css')).replace('page.js', named('.js'))))
  write(directory, files)
  return files
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
