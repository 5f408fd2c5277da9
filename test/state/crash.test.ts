import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { RecordContext } from '../../src/record/record-context.ts'
import { rocksdbEngine } from '../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueState } from '../../src/state/states.ts'
import { TaskState } from '../../src/state/task/task-state.ts'
import { keyValueSpec } from './support/state-harness.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-crash-'))
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('a killed process leaves rows and checkpoint of the same commit', async () => {
  let checkpoint = 0
  for (const commits of [1, 5, 12, 30]) {
    await killAfter(commits)
    const engine = await rocksdbEngine.open(directory)
    const environment = {
      task: '0_0',
      record: new RecordContext(),
      drop() {},
      cacheBytes: 0,
      compatible: false,
    }
    const state = await TaskState.open(engine, [keyValueSpec()], environment)
    const offset = state.checkpoint('store')?.offset ?? 0
    let sum = 0
    const cursor = (state.state('store') as KeyValueState<string, number>).range(undefined, undefined, false)
    while (cursor.next()) sum += cursor.value
    cursor.close()
    await state.close()
    expect(sum).toBe(offset)
    expect(offset).toBeGreaterThanOrEqual(checkpoint + commits * 250)
    checkpoint = offset
  }
})

/** Runs the child until it has reported this many commits, and kills it during the next ones. */
async function killAfter(commits: number): Promise<void> {
  const program = join(import.meta.dirname, 'support', 'commit-forever.ts')
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let seen = 0
  for await (const chunk of child.stdout) {
    seen += String(chunk).length
    if (seen >= commits) break
  }
  child.kill('SIGKILL')
  await exited
}
