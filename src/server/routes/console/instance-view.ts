import { PACKAGE_VERSION } from '../../../platform/package-version.ts'
import { systemClock } from '../../../platform/clock.ts'
import type { Settings } from '../../../application/application.ts'
import type { Metric } from '../../../metrics/snapshot.ts'
import type { StreamsStatus } from '../../../runtime/streams-status.ts'
import type { Served } from '../../http/route.ts'
import type { InstanceView, ShownMetric, ShownSetting, ShownTask } from './shown.ts'

/** Returns what this instance is and does. Cheap enough for every second; it waits for nothing. */
export function viewOf({ streams, settings }: Served): InstanceView {
  const { app, log } = streams
  const { instance, metrics } = streams.metrics({ detail: 'task' })
  const status = streams.status()
  const { live, ready, startup } = streams.health()
  return {
    app: app.id,
    version: PACKAGE_VERSION,
    instance,
    state: streams.state,
    log: log.kind,
    // A log in this process is exactly-once, whatever is asked for.
    guarantee: log.kind === 'kafka' ? app.settings.guarantee : 'exactly_once',
    threads: app.settings.threads,
    at: systemClock.monotonic(),
    processed: status.processed,
    written: status.written,
    lag: status.lag,
    commits: status.commits,
    tasks: tasksOf(status),
    restores: streams.restores().map(({ task, store, from, position, end, rate }) => {
      return { task, store, from, position, end, rate: rate * 1000 }
    }),
    probes: { live, ready, startup },
    metrics: metrics.filter(({ name }) => SHOWN.has(name)).map(shownMetric),
    settings: [...settingsOf(app.settings), ...settings],
  }
}

function tasksOf({ tasks, standbys }: StreamsStatus): ShownTask[] {
  return [
    ...tasks.map(({ id, thread, streamTime, processed }) => {
      return { role: 'active' as const, id, thread, streamTime: streamTime < 0 ? null : streamTime, processed }
    }),
    ...standbys.map(({ id, thread, lag = null }) => ({ role: 'standby' as const, id, thread, lag })),
  ]
}

/** The metrics that the console shows. */
const SHOWN: ReadonlySet<string> = new Set([
  'millrace_commit_duration_seconds',
  'millrace_dead_letters_total',
  'millrace_edge_records_total',
  'millrace_engine_disk_bytes',
  'millrace_engine_rows',
  'millrace_memory_bytes',
  'millrace_memory_limit_bytes',
  'millrace_node_records_total',
  'millrace_node_time_seconds_total',
  'millrace_records_dropped_total',
  'millrace_records_written_total',
  'millrace_store_writes_total',
  'millrace_task_input_lag_records',
  'millrace_thread_time_seconds_total',
])

function shownMetric(metric: Metric): ShownMetric {
  const { name, series } = metric
  return metric.type === 'histogram' ? { name, bounds: metric.bounds, series } : { name, series }
}

/** Settings by name, as the user wrote them. What is not named here is not shown. */
function settingsOf(given: Settings): ShownSetting[] {
  const shown: Readonly<Record<string, unknown>> = {
    guarantee: given.guarantee,
    commitInterval: ms(given.commitInterval),
    threads: given.threads,
    standbyReplicas: given.standbyReplicas,
    memory: bytes(given.memory),
    cache: bytes(given.cacheBytes),
    maxTaskIdle: ms(given.maxTaskIdle),
    idleAfter: ms(given.idleAfter),
    bufferedRecordsPerPartition: given.bufferedRecordsPerPartition,
    taskTimeout: ms(given.taskTimeout),
    replicationFactor: given.replicationFactor,
    deadLetterTopic: given.deadLetterTopic,
    onDeserializationError: given.onDeserializationError,
    onProcessingError: given.onProcessingError,
    onProductionError: given.onProductionError,
    onUncaughtError: given.onUncaughtError,
  }
  return Object.entries(shown).map(([name, value]) => [name, textOf(value)])
}

function textOf(value: unknown): string {
  if (value === undefined) return 'default'
  return typeof value === 'function' ? 'a function' : String(value)
}

function ms(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value} ms`
}

function bytes(value: number): string {
  return `${Math.round(value / 1024 / 1024)} MiB`
}
