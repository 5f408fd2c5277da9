import { randomUUID } from 'node:crypto'
import type { Log } from '../log/log.ts'
import { clockOption } from '../options/clock-option.ts'
import { flag, having, readOptions, text, type TableOf, type Values } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { KeptAlive } from '../platform/kept-alive.ts'
import { eventLoopScheduler, type Scheduler } from '../platform/scheduler.ts'
import { groupOf, specsOf, type Connectors, type Spec } from './define-connectors.ts'
import { prepareTopics } from './prepare.ts'
import { ConnectorThread } from './thread/connector-thread.ts'
import type { ConnectorStatus } from './thread/counters.ts'

/** The options of `runConnectors`. */
export interface RunConnectorsOptions {
  /** The log: `kafka({ brokers })`, `embeddedLog({ directory })` or `memoryLog()`. Stays open when they are closed. */
  readonly log: Log
  /** True: ends when the sources have read all that there is, and the sinks have written it. Default `false` */
  readonly untilEnd?: boolean
  /**
   * Names this instance for good. A new process of that name ends what the last one has left at once, and gets its
   * tasks back, instead of waiting for the session timeout of the group. Every instance needs a name of its own.
   * Default: none
   */
  readonly instanceId?: string
  /** Date and timers. Default: this machine's. */
  readonly clock?: Clock
  /** Decides when readings yield. Default: the event loop. */
  readonly scheduler?: Scheduler
}

export const RUN_CONNECTORS = {
  log: having<Log>(
    'log',
    ['openClient', 'openReader', 'describeTopics'],
    'kafka(…), await embeddedLog(…) or memoryLog()',
    {
      required: true,
      description: '`kafka(…)` ([Kafka](kafka.md)), `embeddedLog(…)` or `memoryLog()`; it stays open',
    },
  ),
  untilEnd: flag({ default: false, description: 'ends when all that there is has been read and written' }),
  instanceId: text({
    defaultText: 'none',
    description: 'names this instance for good: it gets its tasks back at once after a restart',
    kafka: 'group.instance.id',
  }),
  clock: clockOption,
  scheduler: having<Scheduler>('scheduler', ['yield', 'random'], 'a scheduler', {
    default: eventLoopScheduler,
    defaultText: 'of the machine',
    description: 'when readings yield, for simulations',
  }),
} satisfies TableOf<RunConnectorsOptions>

/** What happens when one of the connectors fails: all end, or the others go on. */
export type AfterFailure = 'end' | 'go on'

/** Connectors that run. */
export interface RunningConnectors extends AsyncDisposable {
  /** What each connector of this instance is doing, in the order of the definition. */
  status(): readonly ConnectorStatus[]
  /** Resolves when all have ended in good order: closed, or done with `untilEnd`. Rejects with what failed first. */
  readonly closed: Promise<void>
  /** Commits what is whole, and ends. @throws what a connector fails with while it ends */
  close(): Promise<void>
}

/**
 * Runs connectors in this process until they are closed, or one fails.
 *
 * @throws MR_CONFIG; MR_TOPIC_UNKNOWN for a topic that has to exist; MR_CONNECTOR_TASKS; MR_LOG_UNREACHABLE
 * @example
 * ```ts
 * await using running = await runConnectors(shop, { log: kafka({ brokers: ['localhost:9092'] }) })
 * await running.closed
 * ```
 */
export async function runConnectors(definition: Connectors, given: RunConnectorsOptions): Promise<RunningConnectors> {
  const options = readOptions(RUN_CONNECTORS, given, 'runConnectors()')
  return await startConnectors(definition, options, 'end')
}

/** Starts connectors. @throws as `runConnectors` */
export async function startConnectors(
  definition: Connectors,
  options: Values<typeof RUN_CONNECTORS>,
  afterFailure: AfterFailure,
): Promise<RunningConnectors> {
  await prepareTopics(definition, options.log)
  return new ConnectorGroup(definition, options, afterFailure)
}

class ConnectorGroup implements RunningConnectors {
  readonly closed: Promise<void>
  readonly #threads: readonly ConnectorThread[]
  readonly #alive = new KeptAlive()

  constructor(definition: Connectors, options: Values<typeof RUN_CONNECTORS>, afterFailure: AfterFailure) {
    const processId = randomUUID()
    const { logger } = definition
    this.#threads = specsOf(definition).map((spec) => {
      logger.info({ connector: spec.name, kind: spec.kind, guarantee: spec.guarantee }, 'connector starts')
      return this.#thread(definition, spec, processId, options)
    })
    const runs = this.#threads.map(async (thread) => {
      try {
        await thread.run()
      } catch (err) {
        logger.error({ connector: thread.spec.name, err }, 'connector failed')
        if (afterFailure === 'end') this.#stop()
        throw err
      } finally {
        if (options.untilEnd) this.#endSinks()
      }
    })
    if (options.untilEnd) this.#endSinks()
    this.closed = this.#end(runs)
    this.closed.catch(() => {})
  }

  status(): readonly ConnectorStatus[] {
    return this.#threads.map((thread) => thread.status())
  }

  async close(): Promise<void> {
    this.#stop()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(runs: readonly Promise<void>[]): Promise<void> {
    try {
      const results = await Promise.allSettled(runs)
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    } finally {
      this.#alive.release()
    }
  }

  #stop(): void {
    for (const thread of this.#threads) thread.stop()
  }

  /** Sinks may end, with `untilEnd`, once nothing more comes from the sources beside them. */
  #endSinks(): void {
    const isOver = ({ state }: ConnectorThread): boolean =>
      state === 'done' || state === 'stopped' || state === 'failed'
    if (!this.#threads.every((thread) => thread.spec.kind === 'sink' || isOver(thread))) return
    for (const thread of this.#threads) thread.end()
  }

  #thread(
    definition: Connectors,
    spec: Spec,
    processId: string,
    options: Values<typeof RUN_CONNECTORS>,
  ): ConnectorThread {
    const { log, untilEnd, instanceId, clock, scheduler } = options
    const { deadLetterTopic, logger } = definition
    const group = groupOf(definition, spec.name)
    const onState = (): void => {}
    return new ConnectorThread({
      spec,
      group,
      log,
      processId,
      instanceId,
      untilEnd,
      deadLetterTopic,
      clock,
      scheduler,
      logger,
      onState,
    })
  }
}
