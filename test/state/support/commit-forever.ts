import { RecordContext } from '../../../src/record/record-context.ts'
import { rocksdbEngine } from '../../../src/engine/rocksdb/rocksdb.ts'
import type { KeyValueState } from '../../../src/state/states.ts'
import { TaskState } from '../../../src/state/task/task-state.ts'
import { keyValueSpec } from './state-harness.ts'

/*
 * Counts up a hundred keys, one record after the other, until it is killed. Commits every 250 records, with their
 * number as checkpoint, and writes a dot for each commit. Its argument is the directory.
 */

const engine = await rocksdbEngine.open(process.argv[2] ?? '')
const environment = {
  task: '0_0',
  record: new RecordContext(),
  drop() {},
  cacheBytes: 0,
  compatible: false,
}
const state = await TaskState.open(engine, [keyValueSpec()], environment)
const store = state.state('store') as KeyValueState<string, number>
let records = state.checkpoint('store')?.offset ?? 0
for (;;) {
  for (let i = 0; i < 250; i++, records++) {
    const key = `k${records % 100}`
    store.put(key, (store.get(key)?.value ?? 0) + 1, records)
  }
  await state.write(new Map([['store', { offset: records, topicId: 'id', time: 0 }]]))
  process.stdout.write('.')
  await new Promise((resolve) => setImmediate(resolve))
}
