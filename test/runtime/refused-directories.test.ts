import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { embeddedLog, MillraceError, TopicWriter, bytes, topic } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { engineFailure } from '../../src/engine/files/engine-failure.ts'
import { StateCase } from './support/state-case.ts'
import { canMount } from '../setup/can-mount.ts'

const NOBODY = 65534

interface Report {
  readonly code: string
  readonly message: string
  readonly hint: string
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-refused-'))
})
afterEach(() => {
  chmodSync(directory, 0o755)
  rmSync(directory, { recursive: true, force: true })
})

/** Opens state and log on both engines, in a process that may write only in `filled`, with too few files left there. */
async function openElsewhere(refused: string, filled: string, uid: number | undefined): Promise<Report[]> {
  const script = join(import.meta.dirname, 'support/open-and-report.ts')
  const command = [process.execPath, '--conditions=millrace-source', script, refused, filled]
  const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 60; exec "$@"', 'sh', ...command], { uid })
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(8)
  return lines.map((line): Report => JSON.parse(line))
}

describe('a directory that the system refuses is reported as that, and never as locked or damaged', () => {
  test('not writable: path, uid, owner, what to run; too many open files: how to raise the limit', async () => {
    const isRoot = process.getuid?.() === 0
    const [uid, gid] = [isRoot ? NOBODY : process.getuid?.(), process.getgid?.()]
    const [refused, filled] = [join(directory, 'refused'), join(directory, 'filled')]
    for (const path of [refused, filled]) mkdirSync(join(path, 'log'), { recursive: true })
    // One exists and may only be read, as a volume that belongs to root; the other cannot be made.
    for (const path of [join(refused, 'log'), refused, directory]) chmodSync(path, 0o555)
    for (const path of [join(filled, 'log'), filled]) chmodSync(path, 0o777)
    const reports = await openElsewhere(refused, filled, isRoot ? NOBODY : undefined)
    for (const path of [join(refused, 'log'), refused]) chmodSync(path, 0o755)
    for (const { code, message, hint } of reports.slice(0, 4)) {
      expect(code).toBe('MR_STATE_PERMISSION')
      expect(message).toMatch(new RegExp(`^${refused}/.*may not be used by uid ${uid}, gid ${gid}; .*mode 0555`))
      expect(hint).toMatch(new RegExp(`chown -R ${uid}:${gid} ${refused}.*fsGroup: ${gid}`))
    }
    for (const { code, message, hint } of reports.slice(4)) {
      expect(code).toBe('MR_STATE_FILES')
      expect(message).toContain(filled)
      expect(hint).toContain('ulimit -n')
    }
  })

  test.each(['rocksdb', 'level'] as const)('a file where a directory has to be: its path (%s)', async (engine) => {
    const file = join(directory, 'file')
    writeFileSync(file, 'not mine')
    const blocked = { code: 'MR_STATE_DIRECTORY', message: expect.stringContaining(`${file} is in the way`) }
    await expect(embeddedLog({ directory: file, engine })).rejects.toMatchObject(blocked)
    await expect(embeddedLog({ directory: join(file, 'log'), engine })).rejects.toMatchObject(blocked)
    await using state = await StateCase.create()
    await expect(state.start(state.app(), { engine, stateDirectory: file })).rejects.toMatchObject(blocked)
    mkdirSync(join(state.stateDirectory, 'summing'))
    writeFileSync(state.task(), 'not mine')
    const streams = await state.start(state.app(), { engine })
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_STATE_DIRECTORY',
      task: '0_0',
      message: expect.stringContaining(`${state.task()} is in the way`),
    })
  })

  describe.runIf(process.env['CI'] === 'true' || canMount())('a full disk', () => {
    beforeEach(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]))
    afterEach(() => void execFileSync('umount', [directory]))

    test.each(['rocksdb', 'level'] as const)('is reported, and the log is kept (%s)', async (engine) => {
      const blobs = topic('blobs', { key: bytes(), value: bytes() })
      const log = await embeddedLog({ directory, engine })
      await log.createTopics([{ name: 'blobs', partitions: 1 }])
      const fill = async (): Promise<void> => {
        await using writer = await TopicWriter.open(log, blobs)
        for (;;) {
          writer.write(null, Buffer.alloc(50_000))
          await writer.flush()
        }
      }
      await expect(fill()).rejects.toMatchObject({ message: expect.stringMatching(/No space left/) })
      await Promise.resolve(log.close()).catch(() => {})
      await expect(embeddedLog({ directory, engine })).rejects.toMatchObject({
        code: 'MR_STATE_SPACE',
        message: expect.stringContaining(directory),
        hint: expect.stringContaining('Make room'),
      })
      expect(readdirSync(join(directory, 'data'))).not.toEqual([])
    })
  })
})

describe('the code for an error of an engine says what happened', () => {
  const failure = (message: string, code = 'LEVEL_IO_ERROR', directory = '/data/locks/No space left on device') =>
    engineFailure('rocksdb', directory, Object.assign(new Error(message.replaceAll('$', directory)), { code })).code

  test.each([
    [
      'Corruption: block checksum mismatch: stored = 1, computed = 2, type = 4  in $/000009.sst',
      'LEVEL_CORRUPTION',
      'MR_STATE_CORRUPT',
    ],
    [
      'IO error: No such file or directory: While open a file for random read: $/000009.sst: No such file or directory',
      'LEVEL_IO_ERROR',
      'MR_STATE_CORRUPT',
    ],
    [
      "Corruption: Can't access /000009.sst: IO error: Permission denied: " +
        'while stat a file: $/000009.sst: Permission denied',
      'LEVEL_CORRUPTION',
      'MR_STATE_PERMISSION',
    ],
    ['IO error: While lock file: $/LOCK: Resource temporarily unavailable', 'LEVEL_LOCKED', 'MR_STATE_LOCKED'],
    [
      'IO error: lock hold by current process, acquire time 1: $/LOCK: No locks available',
      'LEVEL_LOCKED',
      'MR_STATE_LOCKED',
    ],
    ['IO error: While lock file: $/LOCK: No locks available', 'LEVEL_LOCKED', 'MR_STATE_IO'],
    ['IO error: While open a file for lock: $/LOCK: Read-only file system', 'LEVEL_IO_ERROR', 'MR_STATE_PERMISSION'],
    ['IO error: While appending to file: $/000004.log: Disk quota exceeded', 'LEVEL_IO_ERROR', 'MR_STATE_SPACE'],
    ['IO error: While open a file: $/000004.log: No file descriptors available', 'LEVEL_IO_ERROR', 'MR_STATE_FILES'],
    ['IO error: While pread offset 0 len 9: $/000009.sst: Input/output error', 'LEVEL_IO_ERROR', 'MR_STATE_IO'],
  ])('%s', (message, code, expected) => {
    expect(failure(message, code)).toBe(expected)
  })

  test('an error of Millrace stays the same', () => {
    const error = new MillraceError('MR_STATE_CLOSED', 'closed')
    expect(engineFailure('level', '/data', error)).toBe(error)
  })
})
