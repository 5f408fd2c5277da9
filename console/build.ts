import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundlePage } from './bundle.ts'

const root = join(import.meta.dirname, '..')

/** Packages whose code or fonts are in the console, and so their licenses. */
const BUNDLED = [
  '@dagrejs/dagre',
  '@fontsource-variable/geist',
  '@fontsource-variable/geist-mono',
  '@preact/signals',
  'preact',
]

/** Bundles the console. @returns the size of each file, gzipped */
export async function buildConsole(directory = join(root, 'dist/console')): Promise<Map<string, number>> {
  const source = join(root, 'console/src')
  const files = new Map([
    ['mark.svg', readFileSync(join(source, 'mark.svg'))],
    ['licenses.txt', Buffer.from(licenses())],
  ])
  const bundled = await bundlePage({ source, directory, files })
  return new Map([...bundled].map(([name, bytes]) => [name, gzipSync(bytes).length]))
}

function licenses(): string {
  return BUNDLED.map((name) => {
    const folder = join(root, 'node_modules', name)
    const license = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file)) ?? ''
    return `${name}\n\n${readFileSync(join(folder, license), 'utf8').trim()}\n`
  }).join(`\n${'-'.repeat(80)}\n\n`)
}

if (import.meta.main) await buildConsole()
