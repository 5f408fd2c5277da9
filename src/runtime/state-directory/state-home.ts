import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, withPlace } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { readMarker, writeMarker, type MarkedDirectory } from '../../platform/directory-marker.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import { ENGINE_NAMES, withFileMode } from '../../engine/engine.ts'
import type { EngineFactory, EngineName, EngineOptions, KeyValueEngine } from '../../engine/engine.ts'
import { engineOf, isEngineFile } from '../../engine/files/engine-files.ts'
import { requireSoundTables } from '../../engine/leveldb/level-tables.ts'
import { ResizableEngine } from '../../engine/choice/resizable-engine.ts'
import type { Logger } from '../../application/application.ts'
import { LoopHolds, type Holds } from './holds.ts'

/**
 * Where the engines of an application's tasks lie, and which of them are open. All threads of a process share it: a task that
 * moves from one thread to another is not opened by the new one before the old one has released it.
 */
export interface StateHome {
  readonly engine: EngineFactory
  /** True while a thread of this process has the task's engine, or is opening or destroying it. */
  isHeld(task: string): boolean
  /**
   * Opens the engine of a task (or of the global tables), which is held from now on until `release`; not if it throws.
   *
   * @param memory that it may take; the engine's own defaults if absent
   * @throws MR_STATE_LOCKED, MR_STATE_CORRUPT; MR_STATE_ENGINE if another engine wrote it, MR_STATE_FOREIGN if another version did;
   * MR_STATE_DIRECTORY if the directory holds something else; what the disk or its permissions refuse
   */
  open(task: string, memory?: Required<EngineOptions>): MaybePromise<KeyValueEngine>
  /** Changes the memory of an open engine; nothing may be read or written meanwhile. @throws as `open` */
  resize(task: string, memory: Required<EngineOptions>): MaybePromise<void>
  /** The engine is closed. Who waits for it may go on. */
  release(task: string): void
  /** Calls `released` after each release, until the answer is called. */
  onRelease(released: (task: string) => void): () => void
  /** Remembers that what the task's engine holds is damaged: `open` throws MR_STATE_CORRUPT until it is destroyed. */
  distrust(task: string): void
  /** Deletes what the task's engine holds. @throws MR_STATE_LOCKED if it is held */
  destroy(task: string): MaybePromise<void>
  /** Tasks that have a directory and are not held, and what was left of directories when deleting them was cut short. */
  unheld(): readonly string[]
}

/** The marker of a task's directory, beside the files of its engine. */
const KIND = 'millrace-task'
const MARKER = `${KIND}.json`
const FORMAT = 1
const DELETED = '.deleted'
/** `0_1`, a further thread's copy of the global tables, or what was left of one when deleting it was cut short. */
const TASK_NAME = /^(\d+_\d+|global-\d+)(\.deleted)?$/

/**
 * One directory a task under the application's directory.
 *
 * @param fileMode of what is made
 * @param held shared by all that open engines in it
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

/** Tables are looked at when a task is opened, not when its engine is opened with other bounds. */
async function openResizable(
  engine: EngineFactory,
  directory: string,
  memory: Required<EngineOptions>,
): Promise<ResizableEngine> {
  if (engine.name === 'level') await requireSoundTables(directory)
  return await ResizableEngine.open(engine, directory, memory)
}

/** Marked before the engine writes its first file: what has no marker, and more than an engine's files, is not a task's. */
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
    if (marker === undefined) {
      writeMarker(directory, { kind: KIND, format: FORMAT, engine }, fileMode)
      return
    }
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

/** All that a marker tells but the engine's name the engine tells as well, so that a damaged one is no loss. */
function requireSameEngine(directory: string, engine: EngineName, task: string, file: string): void {
  const isOthers =
    file !== MARKER && readdirSync(directory).some((name) => !isEngineFile(name) && !name.startsWith(KIND))
  if (isOthers) {
    throw new MillraceError('MR_STATE_DIRECTORY', `${directory} holds something else than a task (${file})`, {
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
    // It may not be looked at, so it is not ours to delete.
    return false
  }
}

/** Renamed first: a deletion that is cut short must not leave a directory that seems to be whole, or nobody's. */
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
