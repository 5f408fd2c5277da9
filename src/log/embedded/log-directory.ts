import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors.ts'
import type { EngineName } from '../../state/engine.ts'

const MARKER = 'millrace-log.json'
const FORMAT = 1
/** The engine's own directory, beside the marker. */
export const DATA = 'data'

interface Marker {
  readonly kind: 'millrace-log'
  readonly format: number
  readonly engine: EngineName
}

/**
 * Makes the directory of a log if it is missing, and tells which engine its data is in.
 *
 * @throws MR_STATE_FOREIGN if it holds something else, a newer format, or data of another engine than the one asked for
 */
export function openLogDirectory(directory: string, asked: EngineName | undefined, choice: EngineName): EngineName {
  mkdirSync(directory, { recursive: true })
  const marker = readMarker(directory)
  if (marker === undefined) {
    const others = readdirSync(directory).filter((name) => !name.startsWith(MARKER))
    if (others.length > 0) {
      throw foreign(directory, `holds other files (${others[0]})`, 'choose an empty directory')
    }
    writeMarker(directory, { kind: 'millrace-log', format: FORMAT, engine: choice })
    return choice
  }
  if (marker.format > FORMAT) {
    throw foreign(directory, `has format ${marker.format}, this version knows ${FORMAT}`, 'use a newer Millrace')
  }
  if (asked !== undefined && asked !== marker.engine) {
    throw foreign(directory, `is kept by the engine ${marker.engine}, not ${asked}`, `open it with ${marker.engine}`)
  }
  return marker.engine
}

function readMarker(directory: string): Marker | undefined {
  let text: string
  try {
    text = readFileSync(join(directory, MARKER), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const parsed = parse(text)
  if (isMarker(parsed)) return parsed
  throw foreign(directory, `is not a Millrace log (${MARKER} cannot be understood)`, 'choose another directory')
}

/** Renamed into place: a process that dies here leaves a whole marker or none. */
function writeMarker(directory: string, marker: Marker): void {
  const temporary = join(directory, `${MARKER}.${process.pid}`)
  writeFileSync(temporary, `${JSON.stringify(marker)}\n`, { flush: true })
  renameSync(temporary, join(directory, MARKER))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isMarker(value: unknown): value is Marker {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'millrace-log' &&
    'format' in value &&
    typeof value.format === 'number' &&
    'engine' in value &&
    typeof value.engine === 'string'
  )
}

function foreign(directory: string, what: string, hint: string): MillraceError {
  return new MillraceError('MR_STATE_FOREIGN', `${directory} ${what}`, { hint })
}
