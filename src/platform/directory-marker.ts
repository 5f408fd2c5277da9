import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DIRECTORY_MODES, FILE_MODES, keepMode } from './file-mode.ts'
import type { FileMode } from './file-mode.ts'

/** Tells what a directory of Millrace holds, in a file beside the data. */
export interface DirectoryMarker {
  readonly kind: string
  readonly format: number
  readonly engine: string
  /** True: what was read from it turned out to be damaged. */
  readonly damaged?: boolean
}

/** Holds something, but no marker of the kind asked for that can be read. */
export interface UnmarkedDirectory {
  readonly kind: undefined
  /** Name of a file that should not be there, or of the damaged marker. */
  readonly file: string
}

/** `undefined`: missing, or without files. */
export type MarkedDirectory = DirectoryMarker | UnmarkedDirectory | undefined

/** What lies in a directory, going by the marker file `<kind>.json`. */
export function readMarker(directory: string, kind: string): MarkedDirectory {
  let text: string
  try {
    text = readFileSync(join(directory, `${kind}.json`), 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    const file = otherFile(directory, kind)
    return file === undefined ? undefined : { kind: undefined, file }
  }
  const marker = parse(text)
  return isMarker(marker) && marker.kind === kind ? marker : { kind: undefined, file: `${kind}.json` }
}

/** Makes the directory if it is missing and marks it. Renamed into place: who dies here leaves a whole marker or none. */
export function writeMarker(directory: string, marker: DirectoryMarker, fileMode: FileMode): void {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODES[fileMode] })
  const file = join(directory, `${marker.kind}.json`)
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(marker)}\n`, { flush: true, mode: FILE_MODES[fileMode] })
  keepMode(`${file}.${process.pid}`, file)
  renameSync(`${file}.${process.pid}`, file)
}

function otherFile(directory: string, kind: string): string | undefined {
  try {
    return readdirSync(directory).find((name) => !name.startsWith(kind))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isMarker(value: unknown): value is DirectoryMarker {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'format' in value &&
    typeof value.format === 'number' &&
    'engine' in value &&
    typeof value.engine === 'string'
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
