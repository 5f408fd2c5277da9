import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * Reads the declarations that a package exports, with all that they import.
 *
 * @returns the packages that they import, each with the files that do
 */
export function foreignImports(library: string): Record<string, string[]> {
  const { exports } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'))
  const entries: { readonly types?: string }[] = Object.values(exports)
  const waiting = entries.flatMap(({ types }) => (types === undefined ? [] : [join(library, types)]))
  const seen = new Set(waiting)
  const found: Record<string, string[]> = {}
  for (const file of seen) {
    const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/(?!\/ <reference).*$/gm, '')
    for (const [, specifier = ''] of text.matchAll(
      /(?:\bfrom|\bimport|\bimport\(|<reference types=)\s*['"]([^'"]+)['"]/g,
    )) {
      if (specifier.startsWith('node:')) continue
      if (specifier.startsWith('.')) seen.add(join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')))
      else (found[specifier] ??= []).push(relative(library, file))
    }
  }
  return found
}
