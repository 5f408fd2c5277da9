import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'

const TASKS = '/proc/self/task'

/** Priorities of the threads of this process with such a name; there is no telling where they cannot be seen. */
function prioritiesOf(name: string): number[] {
  if (!existsSync(TASKS)) return []
  return readdirSync(TASKS)
    .filter((thread) => readFileSync(`${TASKS}/${thread}/comm`, 'utf8').trim() === name)
    .map((thread) => getPriority(Number(thread)))
}

test('compactions give way to the threads that process, and flushes do not', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-background-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const engine = await rocksdbEngine.open(directory)
  onTestFinished(() => engine.close())
  const own = getPriority()
  const compacting = prioritiesOf('rocksdb:low')
  expect(compacting.length > 0).toBe(process.platform === 'linux')
  expect(compacting.every((priority) => priority === Math.min(own + 5, 19))).toBe(true)
  const flushing = prioritiesOf('rocksdb:high')
  expect(flushing.length > 0).toBe(process.platform === 'linux')
  expect(flushing.every((priority) => priority === own)).toBe(true)
})
