import type { EngineEstimate } from '../../engine/engine.ts'
import { Samples } from '../../metrics/samples.ts'
import type { OpenScans } from '../../query/open-scans.ts'
import type { NodeCounters } from '../counters/node-counters.ts'
import type { ThreadCounters } from '../counters/thread-counters.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import { fullTopicName } from '../task/task-wiring.ts'
import type { GlobalTables } from './global-tables.ts'
import type { StreamThread } from './stream-thread.ts'
import type { TaskManager } from './task-manager.ts'

/**
 * Returns all that a thread has counted, and what its tasks are doing now.
 *
 * @param now ms of the monotonic clock
 */
export function samplesOf(thread: StreamThread, { scans }: OpenScans, applicationId: string, now: number): Samples {
  const { manager, commits, redone } = thread
  const samples = new Samples()
  samples.add('millrace_open_scans', {}, scans.count)
  samples.add('millrace_oldest_scan_seconds', {}, scans.count === 0 ? 0 : (now - scans.since) / 1000)
  addTasks(samples, manager)
  addProgress(samples, manager)
  addRestores(samples, manager)
  addCounters(samples, manager.counters, applicationId, now)
  addThread(samples, thread, now)
  samples.add('millrace_commits_total', { outcome: 'committed' }, commits)
  samples.add('millrace_commits_total', { outcome: 'failed' }, redone)
  addDrops(samples, manager.drops)
  addBuffers(samples, manager)
  if (manager.counters.isLookedAt(now)) addEngines(samples, manager)
  for (const [part, bytes] of Object.entries(manager.memoryUse)) {
    samples.add('millrace_memory_bytes', { part }, Number(bytes))
  }
  return samples
}

/** Returns what global tables have counted. */
export function globalSamples(globals: GlobalTables, applicationId: string, now: number): Samples {
  const samples = new Samples()
  addCounters(samples, globals.counters, applicationId, now)
  for (const estimate of globals.estimates) addEngine(samples, 'global', undefined, estimate)
  addDrops(samples, globals.drops)
  return samples
}

function addDrops(samples: Samples, drops: DropCounter): void {
  for (const { reason, by, name, count } of drops.places) {
    samples.add('millrace_records_dropped_total', { reason, [by]: name }, count)
  }
}

function addCounters(samples: Samples, counters: ThreadCounters, applicationId: string, now: number): void {
  const { nodes, deadLetters, stores, lateness } = counters
  addNodes(samples, nodes, applicationId)
  for (const [node, counts] of deadLetters) {
    for (const [error, count] of Object.entries(counts)) {
      if (count > 0) samples.add('millrace_dead_letters_total', { node, error }, count)
    }
  }
  for (const [store, { reads, engineReads, puts, writes }] of stores) {
    if (reads > 0) samples.add('millrace_store_reads_total', { store }, reads)
    if (engineReads > 0) samples.add('millrace_store_engine_reads_total', { store }, engineReads)
    if (puts > 0) samples.add('millrace_store_puts_total', { store }, puts)
    if (writes > 0) samples.add('millrace_store_writes_total', { store }, writes)
  }
  for (const [id, greatest] of lateness.entries()) {
    const seconds = greatest.at(now)
    if (seconds > 0) samples.add('millrace_record_lateness_seconds', { subtopology: String(id) }, seconds)
  }
}

/** Adds the nodes through which a record has come. */
function addNodes(samples: Samples, counters: NodeCounters, applicationId: string): void {
  const { nodes, edges, passed, passedTo, time, isSampled } = counters
  const total = Float64Array.from(passed)
  for (const [index, { node, child }] of edges.entries()) {
    const alone = passedTo[index]!
    total[counters.indexOf(node)]! += alone
    const all = passed[counters.indexOf(node)]! + alone
    if (all > 0) samples.add('millrace_edge_records_total', { node, child }, all)
  }
  for (const [index, node] of nodes.entries()) {
    const { name } = node
    const count = total[index] ?? 0
    if (count === 0) continue
    samples.add('millrace_node_records_total', { node: name }, count)
    if (isSampled) samples.add('millrace_node_time_seconds_total', { node: name }, time[index]! / 1000)
    if (node.kind !== 'sink') continue
    const topic = typeof node.topic === 'string' ? fullTopicName(applicationId, node.topic, node.internal) : undefined
    samples.add('millrace_records_written_total', { node: name, topic }, count)
  }
}

function addThread(samples: Samples, { name, manager, longestHold, heardAt }: StreamThread, now: number): void {
  const { counters } = manager
  const thread = String(Number(/\d+$/.exec(name)?.[0] ?? 1))
  for (const [activity, ms] of counters.activities.until(now)) {
    samples.add('millrace_thread_time_seconds_total', { thread, activity }, ms / 1000)
  }
  if (heardAt !== undefined) {
    samples.add('millrace_kafka_last_heartbeat_age_seconds', { thread }, (now - heardAt) / 1000)
  }
  samples.add('millrace_event_loop_hold_seconds', { thread }, longestHold.length / 1000)
  for (const [cause, count] of Object.entries(counters.rebalances)) {
    samples.add('millrace_rebalances_total', { cause }, count)
  }
  samples.add('millrace_rebalance_duration_seconds', {}, counters.rebalanceDuration)
  const { commitDuration, latency } = counters
  if (commitDuration.count > 0) samples.add('millrace_commit_duration_seconds', {}, commitDuration.value)
  for (const at of ['source', 'sink'] as const) {
    const { count, value } = latency[at]
    if (count > 0) samples.add('millrace_record_e2e_latency_seconds', { at }, value)
  }
}

function addBuffers(samples: Samples, { tasks }: TaskManager): void {
  for (const { id: task, stores } of tasks) {
    for (const { name: store, buffered } of stores.states) {
      if (buffered !== undefined) samples.add('millrace_buffered_entries', { store, task }, buffered)
    }
  }
}

/** Adds the size of engines. Each is asked, which takes some µs, so that it is done only for those who look. */
function addEngines(samples: Samples, { all }: TaskManager): void {
  for (const task of all) {
    if (!task.isOpen || task.stores.states.length === 0) continue
    for (const estimate of task.stores.estimates) addEngine(samples, subtopologyOf(task.id), task.id, estimate)
  }
}

function addEngine(samples: Samples, subtopology: string, task: string | undefined, estimate: EngineEstimate): void {
  const { rows, disk, memory } = estimate
  if (rows !== undefined) samples.add('millrace_engine_rows', { subtopology, task }, rows)
  if (disk !== undefined) samples.add('millrace_engine_disk_bytes', { subtopology, task }, disk)
  if (memory !== undefined) samples.add('millrace_engine_memory_bytes', { subtopology, task }, memory)
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
