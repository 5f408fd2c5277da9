import { randomUUID } from 'node:crypto'
import type { Log } from '../log/log.ts'
import { clockOption } from '../options/clock-option.ts'
import { flag, having, readOptions, text, type TableOf, type Values } from '../options/options.ts'
import type { Clock } from '../platform/clock.ts'
import { KeptAlive } from '../platform/kept-alive.ts'
import { eventLoopScheduler, type Scheduler } from '../platform/scheduler.ts'
import { ConnectorRunner, type AfterFailure } from './connector-runner.ts'
import { Controls, setPaused } from './controls.ts'
import { groupOf, knownConnector, specsOf, type Connectors } from './define-connectors.ts'
import { prepareTopics } from './prepare.ts'
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

/** Connectors that run. */
export interface RunningConnectors extends AsyncDisposable {
  /** What each connector of this instance is doing, in the order of the definition. */
  status(): readonly ConnectorStatus[]
  /**
   * Pauses a connector in all instances: each commits what is whole and leaves the group. It stays paused over
   * restarts.
   *
   * @throws MR_CONNECTOR_UNKNOWN
   */
  pause(name: string): Promise<void>
  /** Lets a paused connector go on, from what is committed, in all instances. @throws MR_CONNECTOR_UNKNOWN */
  resume(name: string): Promise<void>
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
  const runners: ConnectorRunner[] = []
  const controls = await Controls.follow(options.log, definition.id, () => {
    for (const runner of runners) runner.changed()
  })
  const processId = randomUUID()
  const { logger, deadLetterTopic } = definition
  for (const spec of specsOf(definition)) {
    const { name, kind, guarantee } = spec
    logger.info({ connector: name, kind, guarantee }, 'connector starts')
    const isPaused = (): boolean => controls.paused.has(name)
    const place = { spec, group: groupOf(definition, name), processId, deadLetterTopic, logger, afterFailure, isPaused }
    runners.push(new ConnectorRunner({ ...options, ...place }))
  }
  return new ConnectorGroup(definition, options, runners, controls)
}

class ConnectorGroup implements RunningConnectors {
  readonly closed: Promise<void>
  readonly #definition: Connectors
  readonly #log: Log
  readonly #runners: readonly ConnectorRunner[]
  readonly #controls: Controls
  readonly #alive = new KeptAlive()

  constructor(
    definition: Connectors,
    { log, untilEnd }: Values<typeof RUN_CONNECTORS>,
    runners: readonly ConnectorRunner[],
    controls: Controls,
  ) {
    this.#definition = definition
    this.#log = log
    this.#runners = runners
    this.#controls = controls
    const runs = runners.map(async (runner) => {
      try {
        await runner.run()
      } catch (error) {
        this.#stop()
        throw error
      } finally {
        if (untilEnd) this.#endSinks()
      }
    })
    if (untilEnd) this.#endSinks()
    this.closed = this.#end(runs)
    this.closed.catch(() => {})
  }

  status(): readonly ConnectorStatus[] {
    return this.#runners.map((runner) => runner.status())
  }

  async pause(name: string): Promise<void> {
    await setPaused(this.#log, this.#definition.id, knownConnector(this.#definition, name).name, true)
  }

  async resume(name: string): Promise<void> {
    await setPaused(this.#log, this.#definition.id, knownConnector(this.#definition, name).name, false)
  }

  async close(): Promise<void> {
    this.#stop()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(runs: readonly Promise<void>[]): Promise<void> {
    const { logger } = this.#definition
    const following = this.#controls.run().catch((err: unknown) => {
      logger.error({ err }, 'pauses are not followed any more')
    })
    try {
      const results = await Promise.allSettled(runs)
      const failed = results.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
    } finally {
      await this.#controls.close()
      await following
      this.#alive.release()
    }
  }

  #stop(): void {
    for (const runner of this.#runners) runner.stop()
  }

  /** Sinks may end, with `untilEnd`, once nothing more comes from the sources beside them. */
  #endSinks(): void {
    if (!this.#runners.every((runner) => runner.spec.kind === 'sink' || runner.isOver)) return
    for (const runner of this.#runners) runner.end()
  }
}
