import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DIRECTORY_MODES, FILE_MODES, keepMode, type FileMode } from './file-mode.ts'
import { ifThere } from './if-there.ts'

/** A file beside the data that says what a directory of Millrace holds. */
export interface DirectoryMarker {
  readonly kind: string
  readonly format: number
  readonly engine: string
  /** True: data that was read from the directory is damaged. */
  readonly damaged?: boolean
}

/** A directory that holds something, but no readable marker of the requested kind. */
export interface UnmarkedDirectory {
  readonly kind: undefined
  /** Name of a file that should not be there, or of the damaged marker. */
  readonly file: string
}

/** A directory with or without its marker; undefined if it is missing or has no files. */
export type MarkedDirectory = DirectoryMarker | UnmarkedDirectory | undefined

/** Returns what a directory holds according to its marker file, `<kind>.json`. */
export function readMarker(directory: string, kind: string): MarkedDirectory {
  const text = ifThere(() => readFileSync(join(directory, `${kind}.json`), 'utf8'))
  if (text === undefined) {
    const file = ifThere(() => readdirSync(directory))?.find((name) => !name.startsWith(kind))
    return file === undefined ? undefined : { kind: undefined, file }
  }
  const marker = parse(text)
  return isMarker(marker) && marker.kind === kind ? marker : { kind: undefined, file: `${kind}.json` }
}

/** Makes the directory if it is missing and marks it. A process that dies here leaves a whole marker or none. */
export function writeMarker(directory: string, marker: DirectoryMarker, fileMode: FileMode): void {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODES[fileMode] })
  const file = join(directory, `${marker.kind}.json`)
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(marker)}\n`, { flush: true, mode: FILE_MODES[fileMode] })
  keepMode(`${file}.${process.pid}`, file)
  renameSync(`${file}.${process.pid}`, file)
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
