import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { DIRECTORY_MODES } from '../../platform/file-mode.ts'

/** Returns a free name under which damaged data is kept. */
export function freeKept(directory: string): string {
  let number = 1
  while (existsSync(join(directory, `damaged-${number}`))) number++
  return join(directory, `damaged-${number}`)
}

/** Copies the files of an engine. Tables never change: a hard link is as good as a copy. */
export function copyData(from: string, to: string): void {
  mkdirSync(to, { mode: DIRECTORY_MODES.owner })
  for (const file of readdirSync(from, { withFileTypes: true })) {
    if (!file.isFile() || file.name === 'LOCK') continue
    const [source, target] = [join(from, file.name), join(to, file.name)]
    if (!/\.(sst|ldb)$/.test(file.name) || !isLinked(source, target))
      copyFileSync(source, target, constants.COPYFILE_FICLONE)
  }
}

export function logInUse(directory: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_STATE_LOCKED', `the log in ${directory} is in use`, {
    hint: 'Stop the process that has it open, or use another directory; several processes need Kafka.',
    cause,
  })
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch {
    return false
  }
}
