import { hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'

/** A file of a page, as it is sent. */
export interface PageFile {
  readonly type: string
  readonly etag: string
  readonly bytes: Buffer
}

/** The files of a page by name: a request names one of them, and never a path. */
export type PageFiles = ReadonlyMap<string, PageFile>

export const INDEX = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
}

/** Reads the files of a directory, those below it left out. None if there is no such directory. */
export function readFiles(directory: string): PageFiles {
  const files = new Map<string, PageFile>()
  for (const name of namesIn(directory)) {
    const type = TYPES[extname(name)]
    const path = join(directory, name)
    if (type === undefined || name.startsWith('.') || !statSync(path).isFile()) continue
    const bytes = readFileSync(path)
    files.set(name, { type, etag: `"${hash('sha256', bytes, 'base64url').slice(0, 22)}"`, bytes })
  }
  return files
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
