import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, withPlace } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { readMarker, writeMarker, type MarkedDirectory } from '../../platform/directory-marker.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import {
  ENGINE_NAMES,
  withFileMode,
  type EngineFactory,
  type EngineName,
  type EngineOptions,
  type KeyValueEngine,
} from '../../engine/engine.ts'
import { engineOf, isEngineFile } from '../../engine/files/engine-files.ts'
import { requireSoundTables } from '../../engine/leveldb/level-tables.ts'
import { ResizableEngine } from '../../engine/choice/resizable-engine.ts'
import type { Logger } from '../../application/application.ts'
import { LoopHolds, type Holds } from './holds.ts'

/**
 * The place of the engines of an application's tasks, which knows those that are open. All threads of a process share
 * it: a task that moves to another thread is not opened there before the old thread has released it.
 */
export interface StateHome {
  readonly engine: EngineFactory
  /** Returns true while a thread of this process has the task's engine, or opens or destroys it. */
  isHeld(task: string): boolean
  /**
   * Opens the engine of a task (or of the global tables). It is held until `release`, unless this throws.
   *
   * @param memory that it may take; the engine's own defaults if absent
   * @throws MR_STATE_LOCKED, MR_STATE_CORRUPT; MR_STATE_ENGINE if another engine wrote it, MR_STATE_FOREIGN if another
   * version did; MR_STATE_DIRECTORY if the directory holds something else; what the disk or its permissions refuse
   */
  open(task: string, memory?: Required<EngineOptions>): MaybePromise<KeyValueEngine>
  /** Changes the memory of an open engine; nothing may be read or written meanwhile. @throws as `open` */
  resize(task: string, memory: Required<EngineOptions>): MaybePromise<void>
  /** Frees a task, whose engine is closed: another thread may open it. */
  release(task: string): void
  /** Calls `released` after each release, until the returned function is called. */
  onRelease(released: (task: string) => void): () => void
  /** Marks the task's state as damaged, also for later processes: `open` throws MR_STATE_CORRUPT until `destroy`. */
  distrust(task: string): void
  /** Deletes the task's state. @throws MR_STATE_LOCKED if it is held */
  destroy(task: string): MaybePromise<void>
  /** Returns tasks that have a directory and are not held, and the remains of deletions that were cut short. */
  unheld(): readonly string[]
}

/** The marker of a task's directory, beside the files of its engine. */
const KIND = 'millrace-task'
const MARKER = `${KIND}.json`
const FORMAT = 1
const DELETED = '.deleted'
/** `0_1`, a further thread's copy of the global tables, or the remains of a deletion of one that was cut short. */
const TASK_NAME = /^(\d+_\d+|global-\d+)(\.deleted)?$/

/**
 * Keeps each task in a directory of its own, in the application's directory.
 *
 * @param fileMode that of new directories and files
 * @param held shared by all that open engines in the directory
 */
export function stateHome(
  engine: EngineFactory,
  directory: string,
  logger: Pick<Logger, 'warn'>,
  fileMode: FileMode = 'owner',
  held: Holds = new LoopHolds(),
): StateHome {
  const pathOf = (task: string): string => join(directory, task)
  const files = withFileMode(engine, fileMode)
  const resizable = new Map<string, ResizableEngine>()
  const release = (task: string): void => {
    resizable.delete(task)
    held.free(task)
  }
  const openEngine = (task: string, memory: Required<EngineOptions> | undefined): MaybePromise<KeyValueEngine> => {
    if (memory === undefined || !engine.persistent) return files.open(pathOf(task))
    return openResizable(files, pathOf(task), memory).then((opened) => {
      resizable.set(task, opened)
      return opened
    })
  }
  return {
    engine,
    isHeld: (task) => held.has(task),
    open(task, memory) {
      if (!held.take(task)) throw heldTwice(task)
      try {
        if (engine.persistent) claimTaskDirectory(pathOf(task), engine.name, task, logger, fileMode)
        const opened = openEngine(task, memory)
        if (!isPromise(opened)) return opened
        return opened.catch((error: unknown) => {
          release(task)
          throw error
        })
      } catch (error) {
        release(task)
        throw error
      }
    },
    resize: (task, memory) => resizable.get(task)?.resize(memory),
    release,
    onRelease: (released) => held.onFree(released),
    distrust(task) {
      if (!engine.persistent) return
      writeMarker(pathOf(task), { kind: KIND, format: FORMAT, engine: engine.name, damaged: true }, fileMode)
    },
    destroy(task) {
      if (!held.take(task)) throw heldTwice(task)
      let destroyed: MaybePromise<void>
      try {
        destroyed = engine.persistent ? destroyDirectory(engine, pathOf(task)) : engine.destroy(pathOf(task))
      } catch (error) {
        release(task)
        throw error
      }
      if (isPromise(destroyed)) return destroyed.finally(() => release(task))
      release(task)
    },
    unheld() {
      if (!engine.persistent || !existsSync(directory)) return []
      return readdirSync(directory).filter((name) => TASK_NAME.test(name) && !held.has(name) && isTask(pathOf(name)))
    },
  }
}

/** Checks the tables, once: an engine that is opened again with other bounds skips that. */
async function openResizable(
  engine: EngineFactory,
  directory: string,
  memory: Required<EngineOptions>,
): Promise<ResizableEngine> {
  if (engine.name === 'level') await requireSoundTables(directory)
  return await ResizableEngine.open(engine, directory, memory)
}

/** Marks it before the engine's first file: a directory with no marker, but files of others, is not a task's. */
function claimTaskDirectory(
  directory: string,
  engine: EngineName,
  task: string,
  logger: Pick<Logger, 'warn'>,
  fileMode: FileMode,
): void {
  let marker: MarkedDirectory
  try {
    marker = readMarker(directory, KIND)
    if (marker === undefined) return writeMarker(directory, { kind: KIND, format: FORMAT, engine }, fileMode)
    if (marker.kind === undefined || (marker.format === FORMAT && !isKnown(marker.engine))) {
      requireSameEngine(directory, engine, task, marker.kind === undefined ? marker.file : MARKER)
      logger.warn({ task, directory }, `${MARKER} is missing or damaged; it is written again`)
      writeMarker(directory, { kind: KIND, format: FORMAT, engine }, fileMode)
      return
    }
  } catch (cause) {
    throw withPlace(directoryFailure('state', directory, cause), { task })
  }
  if (marker.damaged === true) {
    throw new MillraceError('MR_STATE_CORRUPT', `what lies in ${directory} was found to be damaged`, {
      task,
      hint: 'Check the disk.',
    })
  }
  if (marker.format !== FORMAT) {
    throw new MillraceError(
      'MR_STATE_FOREIGN',
      `${directory} was written in format ${marker.format}, this version knows ${FORMAT}`,
      { task, hint: 'Run the version of Millrace that wrote it.' },
    )
  }
  if (marker.engine !== engine) throw writtenByOther(directory, marker.engine, engine, task)
}

/** Checks a directory without a sound marker by its files, which show the engine that wrote them. */
function requireSameEngine(directory: string, engine: EngineName, task: string, file: string): void {
  const isOthers =
    file !== MARKER && readdirSync(directory).some((name) => !isEngineFile(name) && !name.startsWith(KIND))
  if (isOthers) {
    throw new MillraceError('MR_STATE_DIRECTORY', `${directory} holds something other than a task (${file})`, {
      task,
      hint: 'Move it away, or choose another state directory.',
    })
  }
  const writer = engineOf(directory)
  if (writer !== undefined && writer !== engine) throw writtenByOther(directory, writer, engine, task)
}

function writtenByOther(directory: string, writer: string, engine: EngineName, task: string): MillraceError {
  return new MillraceError('MR_STATE_ENGINE', `${directory} was written by the engine ${writer}, not by ${engine}`, {
    task,
    hint: `Run with the engine ${writer}.`,
  })
}

function isKnown(engine: string): boolean {
  return ENGINE_NAMES.some((name) => name === engine)
}

function isTask(directory: string): boolean {
  if (directory.endsWith(DELETED)) return true
  try {
    return readMarker(directory, KIND)?.kind === KIND
  } catch {
    // A directory that may not be read is not ours to delete.
    return false
  }
}

/** Renames it first: a deletion that is cut short must not leave a directory that seems whole, or has no marker. */
function destroyDirectory(engine: EngineFactory, directory: string): MaybePromise<void> {
  if (!existsSync(directory)) return
  const doomed = `${directory}${DELETED}`
  try {
    const cleared = engine.destroy(doomed)
    const move = (): MaybePromise<void> => {
      renameSync(directory, doomed)
      return engine.destroy(doomed)
    }
    return isPromise(cleared) ? cleared.then(move) : move()
  } catch (cause) {
    throw directoryFailure('deleting state', directory, cause)
  }
}

function heldTwice(task: string): MillraceError {
  return new MillraceError('MR_STATE_LOCKED', 'the state of the task is open in another thread of this process', {
    task,
    hint: 'It is released when that thread has closed the task.',
  })
}
