import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { readMarker, writeMarker } from '../../platform/directory-marker.ts'
import { DIRECTORY_MODES, type FileMode } from '../../platform/file-mode.ts'
import { ENGINE_NAMES, type EngineName } from '../../engine/engine.ts'
import { engineOf } from '../../engine/files/engine-files.ts'
import { ENDS_FILE, UNBEGUN, writeEnds } from './log-ends.ts'

const KIND = 'millrace-log'
const MARKER = `${KIND}.json`
const FORMAT = 1
/** The engine's own directory, beside the marker. */
export const DATA = 'data'
/** Names in a log's directory: its own, and what is kept of a log that lost data. */
const OWN_FILE = /^(data|damaged-\d+|millrace-log.*|millrace\.sock)$/

/** The place of a log that may be new. */
interface NewLogPlace {
  readonly directory: string
  readonly fileMode: FileMode
  /** Called if the marker has to be written again. */
  readonly warn: (fields: object, message: string) => void
}

/** True unless the directory is missing or empty. What else it may hold, `openLogDirectory` finds out. */
export function holdsLog(directory: string): boolean {
  return readMarker(directory, KIND) !== undefined
}

/**
 * Creates the directory of a log if it is missing, and returns the engine of its data.
 *
 * @throws MR_STATE_FOREIGN for something else or a newer format; MR_STATE_ENGINE if another engine was asked for
 */
export function openLogDirectory(place: NewLogPlace, asked: EngineName | undefined, choice: EngineName): EngineName {
  const { directory, fileMode, warn } = place
  const marker = readMarker(directory, KIND)
  if (marker === undefined) return begin(directory, choice, fileMode)
  let engine: EngineName | undefined
  if (marker.kind === undefined) {
    if (marker.file !== MARKER) requireLog(directory, marker.file)
  } else if (marker.format <= FORMAT) engine = ENGINE_NAMES.find((name) => name === marker.engine)
  else throw foreign(directory, `has format ${marker.format}, this version knows ${FORMAT}`, 'Use a newer Millrace.')
  const isMarked = engine !== undefined
  engine ??= engineOf(join(directory, DATA)) ?? choice
  if (asked !== undefined && asked !== engine) throw keptByOther(directory, engine, asked)
  if (!isMarked) {
    warn({ directory }, `${MARKER} is missing or damaged; it is written again`)
    writeMarker(directory, { kind: KIND, format: FORMAT, engine }, fileMode)
  }
  return engine
}

/**
 * Writes the file of ends before the marker: a directory with a marker and no such file is a log with data, left by a
 * version that kept none. If the file exists, it says what the log has lost.
 */
function begin(directory: string, engine: EngineName, fileMode: FileMode): EngineName {
  mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODES[fileMode] })
  if (!existsSync(join(directory, ENDS_FILE))) writeEnds(directory, UNBEGUN, fileMode)
  writeMarker(directory, { kind: KIND, format: FORMAT, engine }, fileMode)
  return engine
}

/** Recognizes a log without its marker by the rest of it. */
function requireLog(directory: string, file: string): void {
  const others = readdirSync(directory).filter((name) => !OWN_FILE.test(name))
  const isLog = engineOf(join(directory, DATA)) !== undefined || existsSync(join(directory, ENDS_FILE))
  if (isLog && others.length === 0) return
  throw foreign(directory, `holds something else than a log (${others[0] ?? file})`, 'Choose an empty directory.')
}

function keptByOther(directory: string, engine: EngineName, asked: EngineName): MillraceError {
  return new MillraceError('MR_STATE_ENGINE', `${directory} is kept by the engine ${engine}, not ${asked}`, {
    hint: `Open it with ${engine}. Nothing was touched.`,
  })
}

function foreign(directory: string, what: string, hint: string): MillraceError {
  return new MillraceError('MR_STATE_FOREIGN', `${directory} ${what}`, { hint })
}
