import { readdir, readFile, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { readlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isMissing } from '../../../platform/if-there.ts'
import { fileFailure } from '../failures/file-failure.ts'
import type { NextOffset } from '../../definition/sink.ts'

/** A length of the file, and where the topic is read on behind it. */
export interface WrittenTo {
  readonly length: number
  readonly offsets: readonly NextOffset[]
}

/** The process that writes a file. */
export interface Writer {
  /** Machine, and the name space in which `pid` counts. */
  readonly machine: string
  readonly pid: number
}

/**
 * What stands beside a file that a sink writes. It is written before each batch: `to` counts once the bytes between
 * `from` and `to` have this checksum.
 */
export interface SinkState {
  readonly connector: string
  readonly from: WrittenTo
  readonly to: WrittenTo & { readonly checksum: number }
  /** Null once it was closed. */
  readonly writer: Writer | null
}

/** A state, and how many writers there were before its own. The file with the highest epoch is the one that counts. */
export interface FoundState {
  readonly epoch: number
  readonly state: SinkState
}

const MARK = '.millrace.'

export function statePath(path: string, epoch: number): string {
  return `${path}${MARK}${epoch}`
}

/**
 * Finds the state of a file.
 *
 * @returns the latest state, if any, and the highest epoch that was taken
 */
export async function findState(path: string): Promise<{ readonly highest: number; readonly found?: FoundState }> {
  const epochs = await epochsOf(path)
  for (const epoch of epochs) {
    const state = parse(await textOf(statePath(path, epoch)))
    // A process may have ended between taking an epoch and writing what it found.
    if (state !== undefined) return { highest: epochs[0]!, found: { epoch, state } }
  }
  return { highest: epochs[0] ?? 0 }
}

/** Deletes the states before an epoch. */
export async function forgetBefore(path: string, epoch: number): Promise<void> {
  for (const each of await epochsOf(path)) if (each < epoch) await removeIfThere(statePath(path, each))
}

/** Returns the epochs of a file, the highest first. */
async function epochsOf(path: string): Promise<number[]> {
  const prefix = `${basename(path)}${MARK}`
  const epochs = (await namesIn(dirname(path)))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((epoch) => /^[1-9]\d*$/.test(epoch))
  return epochs.map(Number).sort((a, b) => b - a)
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw fileFailure('read', directory, error)
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw fileFailure('read', path, error)
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw fileFailure('deleted', path, error)
  }
}

function parse(text: string): SinkState | undefined {
  try {
    return JSON.parse(text) as SinkState
  } catch {
    return undefined
  }
}

/** This process. */
export function thisWriter(): Writer {
  return { machine: `${hostname()} ${pidSpace()}`, pid: process.pid }
}

/** In another container the same process id may be another process. */
function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return process.platform
  }
}

/** Files that this process has open, by the paths of their states. */
export const openHere = new Set<string>()

/** False if it is certain that nobody writes the file any more that has this state. */
export function mayRun(path: string, { epoch, state: { writer } }: FoundState): boolean {
  if (writer === null) return false
  const { machine, pid } = writer
  const own = thisWriter()
  if (machine !== own.machine) return true
  if (pid === own.pid) return openHere.has(resolve(statePath(path, epoch)))
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** The path of the file into which the next state is written. */
export function nextStatePath(path: string, epoch: number): string {
  return join(dirname(path), `.${basename(path)}${MARK}${epoch}.next`)
}
