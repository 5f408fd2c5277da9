import { mkdirSync } from 'node:fs'
import { MillraceError } from '../../errors.ts'
import { readMarker, writeMarker } from '../../platform/directory-marker.ts'
import type { EngineName } from '../../state/engine.ts'
import { UNBEGUN, writeEnds } from './log-ends.ts'

const KIND = 'millrace-log'
const FORMAT = 1
const ENGINES: readonly EngineName[] = ['rocksdb', 'level', 'memory']
/** The engine's own directory, beside the marker. */
export const DATA = 'data'

/**
 * Makes the directory of a log if it is missing, and tells which engine its data is in.
 *
 * @throws MR_STATE_FOREIGN if it holds something else, a newer format, or data of another engine than the one asked for
 */
export function openLogDirectory(directory: string, asked: EngineName | undefined, choice: EngineName): EngineName {
  const marker = readMarker(directory, KIND)
  if (marker === undefined) {
    // Before the marker: a directory with a marker and without this file was written by a version that kept none, and had data.
    mkdirSync(directory, { recursive: true })
    writeEnds(directory, UNBEGUN)
    writeMarker(directory, { kind: KIND, format: FORMAT, engine: choice })
    return choice
  }
  if (marker.kind === undefined) {
    throw foreign(directory, `holds something else than a log (${marker.file})`, 'choose an empty directory')
  }
  const engine = ENGINES.find((name) => name === marker.engine)
  if (marker.format > FORMAT || engine === undefined) {
    throw foreign(directory, `has format ${marker.format}, this version knows ${FORMAT}`, 'use a newer Millrace')
  }
  if (asked !== undefined && asked !== engine) {
    throw foreign(directory, `is kept by the engine ${engine}, not ${asked}`, `open it with ${engine}`)
  }
  return engine
}

function foreign(directory: string, what: string, hint: string): MillraceError {
  return new MillraceError('MR_STATE_FOREIGN', `${directory} ${what}`, { hint })
}
