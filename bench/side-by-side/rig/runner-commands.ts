import { builtRunner } from './built-runner.ts'
import { CACHE_BYTES, COMMIT_INTERVAL, type Cell } from './cells.ts'
import type { RunnerCommand } from './runner-process.ts'

/**
 * Where state is large, a bound for Node's heap, which by default grows as far as the machine allows and leaves most of
 * itself to garbage. Where state is small that costs little, and these options a tenth of the speed.
 */
const HEAP_OF_LARGE_STATE = ['--max-old-space-size=2048', '--max-semi-space-size=8']
/**
 * A setting of both sides for large state. glibc raises this bound by itself when something large is freed, and keeps
 * everything below it from then on instead of giving it back to the system. Large buffers cost a little more for it.
 */
const ALLOCATOR_OF_LARGE_STATE = { MALLOC_MMAP_THRESHOLD_: '131072' }

/** @param nodeOptions options of Node itself */
export function millraceRunner(
  cell: Cell,
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): RunnerCommand {
  return {
    command: process.execPath,
    args: [...(hasLargeState(cell) ? HEAP_OF_LARGE_STATE : []), ...nodeOptions, builtRunner],
    env: {
      ...env,
      ...allocatorOf(cell),
      COMMIT_INTERVAL: String(COMMIT_INTERVAL[cell.guarantee]),
      CACHE_BYTES: cell.cached ? String(CACHE_BYTES) : '0',
    },
  }
}

export interface JavaOptions {
  readonly classPath: string
  /** ms for which a batch waits for more records. */
  readonly linger: number
  /** More settings of Kafka Streams, `key=value,…`. */
  readonly settings: string
}

export function javaRunner(
  cell: Cell,
  env: Readonly<Record<string, string>>,
  { classPath, linger, settings }: JavaOptions,
): RunnerCommand {
  const all = [
    `commit.interval.ms=${COMMIT_INTERVAL[cell.guarantee]}`,
    `statestore.cache.max.bytes=${cell.cached ? CACHE_BYTES : 0}`,
    `producer.linger.ms=${linger}`,
    settings,
  ]
  return {
    command: 'java',
    args: ['-Xmx1g', '-cp', classPath, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', 'KafkaStreamsRunner'],
    env: { ...env, ...allocatorOf(cell), KAFKA_STREAMS_SETTINGS: all.join(',') },
  }
}

function allocatorOf(cell: Cell): Readonly<Record<string, string>> {
  return hasLargeState(cell) ? ALLOCATOR_OF_LARGE_STATE : {}
}

function hasLargeState({ workload }: Cell): boolean {
  return workload === 'w2big'
}
