import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundlePage } from '../../console/bundle.ts'

const root = join(import.meta.dirname, '../..')

/** A page of an example: its name in the address, and the directory of its source. */
export interface ExamplePage {
  readonly name: string
  readonly source: string
}

/** Bundles the page of an example. @returns the directory of its files */
export async function buildPage({ name, source }: ExamplePage): Promise<string> {
  const directory = join(root, 'dist/pages', name)
  const files = new Map([['mark.svg', readFileSync(join(root, 'console/src/mark.svg'))]])
  await bundlePage({ source, directory, files })
  return directory
}
