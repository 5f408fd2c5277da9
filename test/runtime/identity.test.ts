import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { claimDirectory } from '../../src/runtime/state-directory/identity.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import { idle, recordingLogger, StateCase, until } from './support/state-case.ts'

let state: StateCase
let directory: string
beforeEach(async () => {
  state = await StateCase.create(2)
  directory = await state.newDirectory()
})
afterEach(() => state[Symbol.asyncDispose]())

async function idOf(place: string, instanceId?: string): Promise<string> {
  const { processId, release } = await claimDirectory(rocksdbEngine, place, recordingLogger().logger, instanceId)
  await release()
  return processId
}

/** Starts another process, which holds the claim of a directory. */
async function holder(place: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'support/hold-claim.ts')
  const child = spawn(process.execPath, ['--conditions=millrace-source', script, place], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  await once(child.stdout ?? child, 'data')
  return child
}

describe('the identity of an instance', () => {
  test('is the same after a restart on the same directory', async () => {
    expect(await idOf(directory)).toBe(await idOf(directory))
  })

  test('is the same after kill -9', async () => {
    const id = await idOf(directory)
    const child = await holder(directory)
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(await idOf(directory)).toBe(id)
  })

  test('is new in a copy of the directory, and the original keeps its own', async () => {
    const id = await idOf(directory)
    const copy = join(await state.newDirectory(), 'copy')
    await cp(directory, copy, { recursive: true })
    const copied = await idOf(copy)
    expect(copied).not.toBe(id)
    expect(await idOf(copy)).toBe(copied)
    expect(await idOf(directory)).toBe(id)
  })

  test('is new if the file that holds it cannot be read', async () => {
    const id = await idOf(directory)
    const claim = join(directory, 'process')
    const manifest = (await readdir(claim)).find((name) => name.startsWith('MANIFEST'))
    await writeFile(join(claim, manifest ?? ''), 'ruined')
    const drawn = await idOf(directory)
    expect(drawn).not.toBe(id)
    expect(await idOf(directory)).toBe(drawn)
  })

  test('is the instance id if one is given, on an empty disk too', async () => {
    expect(await idOf(directory, 'pod-0')).toBe('pod-0')
    await rm(directory, { recursive: true })
    expect(await idOf(directory, 'pod-0')).toBe('pod-0')
  })
})

test.each(['SIGCONT', 'SIGSTOP'] as const)(
  'a second process on a directory is refused while the first is alive (%s)',
  async (signal) => {
    const child = await holder(join(directory, 'summing'))
    child.kill(signal)
    await expect(state.start(state.app(), { stateDirectory: directory })).rejects.toMatchObject({
      code: 'MR_STATE_LOCKED',
      message: expect.stringContaining(directory),
    })
    child.kill('SIGKILL')
    await once(child, 'close')
    const streams = await state.start(state.app(), { stateDirectory: directory })
    await streams.close()
  },
)

test('a copied state directory started beside the original shares the work instead of fighting for it', async () => {
  await state.pay(100)
  await state.run()
  const copy = await state.newDirectory()
  await cp(state.stateDirectory, copy, { recursive: true })
  const first = await state.start()
  await idle(first)
  const second = await state.start(state.app(), { stateDirectory: copy })
  await until(() => first.status().tasks.length === 1 && second.status().tasks.length === 1)
  await state.pay(100)
  await until(() => state.allShown())
  await first.close()
  await second.close()
  expect(await state.shown()).toEqual(state.expected())
})

test('an instance whose identity is taken over ends, naming host and directory, and never starts over', async () => {
  await state.pay(100)
  const first = await state.start(state.app({ onUncaughtError: 'replaceThread' }), { instanceId: 'pod-0' })
  await idle(first)
  const second = await state.start(state.app(), { instanceId: 'pod-0', stateDirectory: directory })
  const { hostname } = await import('node:os')
  await expect(first.closed).rejects.toMatchObject({
    code: 'MR_FENCED',
    message: expect.stringContaining(`${join(state.stateDirectory, 'summing')} on ${hostname()}`),
    hint: expect.stringMatching(/instance id of its own/),
  })
  await state.pay(100)
  await until(() => state.allShown())
  await second.close()
  expect(await state.shown()).toEqual(state.expected())
})
