import { Samples } from '../../metrics/samples.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import type { StreamThread } from './stream-thread.ts'
import type { TaskManager } from './task-manager.ts'

/** Returns all that a thread has counted, and what its tasks are doing now. */
export function samplesOf({ manager, commits, redone }: StreamThread): Samples {
  const samples = new Samples()
  addTasks(samples, manager)
  addProgress(samples, manager)
  addRestores(samples, manager)
  samples.add('millrace_commits_total', { outcome: 'committed' }, commits)
  samples.add('millrace_commits_total', { outcome: 'failed' }, redone)
  addDrops(samples, manager.drops)
  for (const [part, bytes] of Object.entries(manager.memoryUse)) {
    samples.add('millrace_memory_bytes', { part }, Number(bytes))
  }
  return samples
}

/** Adds what tasks, or the global tables, have dropped. */
export function addDrops(samples: Samples, drops: DropCounter): void {
  for (const { reason, by, name, count } of drops.places) {
    samples.add('millrace_records_dropped_total', { reason, [by]: name }, count)
  }
}

/** Tasks by their part. A state that no task is in has a value, too: a rule may wait for it to become 0. */
function addTasks(samples: Samples, manager: TaskManager): void {
  const counts = { active: 0, standby: 0, restoring: 0, waiting: 0 }
  for (const { state } of manager.all) {
    if (state === 'running') counts.active++
    else if (state === 'standby') counts.standby++
    else if (state === 'restoring') counts.restoring++
    else if (state !== 'closed') counts.waiting++
  }
  for (const [role, count] of Object.entries(counts)) samples.add('millrace_tasks', { role }, count)
}

function addProgress(samples: Samples, manager: TaskManager): void {
  let lagging = 0
  for (const [task, processed] of manager.counters.processedByClosed) {
    samples.add('millrace_records_processed_total', { subtopology: subtopologyOf(task), task }, processed)
  }
  for (const { id: task, processing } of manager.tasks) {
    const subtopology = subtopologyOf(task)
    samples.add('millrace_records_processed_total', { subtopology, task }, processing.processed)
    if (processing.streamTime >= 0) {
      samples.add('millrace_task_stream_time_seconds', { subtopology, task }, processing.streamTime / 1000)
    }
    for (const { topic, partition, size } of processing.queues) {
      const lag = size + (manager.lag(topic, partition) ?? 0)
      if (lag > 0) lagging++
      samples.add('millrace_task_input_lag_records', { topic, task }, lag)
    }
  }
  samples.add('millrace_task_partitions_lagging', {}, lagging)
}

function addRestores(samples: Samples, { restorer }: TaskManager): void {
  for (const { task, store, position, end } of restorer.progress) {
    samples.add('millrace_restore_remaining_offsets', { store, task }, end - position)
  }
  for (const { task, store, lag } of restorer.standbyLags) {
    samples.add('millrace_standby_lag_offsets', { store, task }, lag)
  }
  for (const [store, records] of restorer.applied) {
    samples.add('millrace_restored_records_total', { store }, records)
  }
}

function subtopologyOf(task: string): string {
  return task.slice(0, task.indexOf('_'))
}
