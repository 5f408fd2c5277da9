import type { Logger } from '../../application/application.ts'
import { MillraceError, isMillraceError, messageOf } from '../../errors/millrace-error.ts'
import type { GroupEvent } from '../../group/group.ts'
import type { Log, LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import { WakeUp } from '../../platform/wake-up.ts'
import type { ConnectorSpec } from '../definition/connector.ts'
import type { SinkSpec } from '../definition/sink.ts'
import type { SourceSpec } from '../definition/source.ts'
import { Backoff } from './backoff.ts'
import { BadRecords } from './bad-records.ts'
import { statusOfIdle, type ConnectorCounters, type ConnectorState, type ConnectorStatus } from './counters.ts'
import { SinkWork } from './sink-work.ts'
import { SourceWork } from './source-work.ts'
import { GivenUp, GoBack, subtopologyOf, type Work, type WorkContext } from './work.ts'

/** ms that a member may take to give up revoked tasks: long enough for a slow target. */
const REBALANCE_TIMEOUT = 300_000
/** Longest sleep (ms) when there is nothing to do. */
const MAX_IDLE = 1000
/** Codes of errors of the log after which everything goes back to the last commit and is tried again. */
const PASSING: ReadonlySet<string> = new Set(['MR_LOG_UNREACHABLE', 'MR_OFFSET_OUT_OF_RANGE'])

export interface ThreadOptions {
  readonly spec: SourceSpec | SinkSpec
  /** Group of the instances of this connector, and the beginning of the names of its topics. */
  readonly group: string
  readonly log: Log
  readonly processId: string
  readonly instanceId: string | undefined
  readonly untilEnd: boolean
  readonly deadLetterTopic: string | undefined
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger
  readonly counters: ConnectorCounters
}

/** Returns the topics whose partitions are the tasks of a connector. */
export function taskTopics(spec: SourceSpec | SinkSpec, group: string): readonly string[] {
  return spec.kind === 'source' ? [`${group}-positions`] : spec.topics.map(({ name }) => name)
}

/**
 * Runs one connector: its membership of the group, its client of the log, its commits. Whatever goes wrong with a
 * commit or with the membership, everything that is not committed is dropped and done again.
 */
export class ConnectorThread {
  readonly spec: ConnectorSpec
  readonly #options: ThreadOptions
  readonly #counters: ConnectorCounters
  readonly #wake: WakeUp
  readonly #redoing: Backoff
  #work: Work | undefined
  #tasks: readonly number[] = []
  #isAssigned = false
  #isStopping = false
  #isEnding = false
  #state: ConnectorState = 'starting'
  #reason: string | undefined
  /** Why the group has nothing to do for it. */
  #waitingFor: string | undefined
  #unreachable: string | undefined
  #commits = 0

  constructor(options: ThreadOptions) {
    this.#options = options
    this.spec = options.spec
    this.#counters = options.counters
    this.#commits = options.counters.commits
    this.#wake = new WakeUp(options.clock)
    // A commit that failed is always tried again: nothing of it was visible.
    this.#redoing = new Backoff({ ...options.spec.retry, retryOn: () => true }, options.clock)
  }

  /** Ends the thread: commits what is whole, and leaves the group. */
  stop(): void {
    this.#isStopping = true
    this.#wake.signal()
  }

  /** Lets a sink end when it has written what is in its topics now. */
  end(): void {
    this.#isEnding = true
    this.#wake.signal()
  }

  get state(): ConnectorState {
    return this.#state
  }

  status(): ConnectorStatus {
    const { positions, lag } = this.#work ?? {}
    return {
      ...statusOfIdle(this.spec, this.#counters, this.#state, this.#reason),
      tasks: this.#tasks,
      ...(positions === undefined ? {} : { positions }),
      ...(lag === undefined ? {} : { lag }),
    }
  }

  /** Resolves when it was stopped, or is done. Rejects with what ended it. */
  async run(): Promise<void> {
    try {
      await this.#session()
      this.#enter(this.#state === 'done' ? 'done' : 'stopped')
    } catch (error) {
      this.#enter('failed', messageOf(error))
      throw error
    }
  }

  async #session(): Promise<void> {
    const client = await this.#openClient()
    try {
      const work = await this.#openWork(client)
      this.#work = work
      client.group.onEvent(() => {
        work.lost()
        this.#wake.signal()
      })
      this.#enter('waiting')
      await client.group.join()
      while (!this.#isStopping && !this.#isDone) await this.#turn(client, work)
      const isDone = !this.#isStopping
      await this.#finish(client, work)
      if (isDone) this.#enter('done')
    } catch (error) {
      await this.#work?.abandon().catch(() => {})
      throw error
    } finally {
      this.#tasks = []
      await client.close()
    }
  }

  async #turn(client: LogClient, work: Work): Promise<void> {
    try {
      for (let event = client.group.nextEvent(); event !== undefined; event = client.group.nextEvent())
        await this.#onGroupEvent(event, client, work)
      if (this.#isEnding && work instanceof SinkWork) work.end()
      const isBusy = await work.turn()
      if (this.#counters.commits > this.#commits) this.#redoing.succeeded()
      this.#commits = this.#counters.commits
      this.#show(work)
      if (this.#isDone || this.#isStopping) return
      // Whatever asks for turns, I/O gets its own between two of them.
      await this.#options.scheduler.yield()
      if (!isBusy) await this.#wake.wait(Math.min(MAX_IDLE, work.sleep))
    } catch (error) {
      await this.#recover(error, client, work)
    }
  }

  async #onGroupEvent(event: GroupEvent, client: LogClient, work: Work): Promise<void> {
    const { logger } = this.#options
    const { name: connector } = this.spec
    switch (event.type) {
      case 'assigned':
        this.#tasks = event.active.map(({ partition }) => partition)
        this.#isAssigned = true
        this.#waitingFor = undefined
        logger.info({ connector, tasks: this.#tasks }, 'tasks assigned')
        try {
          await work.assign(this.#tasks)
        } finally {
          client.group.acknowledge()
        }
        return
      case 'revoked': {
        const revoked = new Set(event.active.map(({ partition }) => partition))
        logger.info({ connector, tasks: [...revoked] }, 'tasks revoked')
        this.#tasks = this.#tasks.filter((task) => !revoked.has(task))
        try {
          await work.revoke([...revoked])
        } finally {
          client.group.acknowledge()
        }
        return
      }
      case 'lost':
        logger.warn({ connector, reason: event.reason }, 'membership lost; what was not committed is done again')
        await this.#lost(client, work)
        return
      case 'waiting':
        this.#waitingFor = messageOf(event.error)
        logger.warn({ connector, err: event.error }, 'waiting')
        return
      case 'resumed':
        this.#waitingFor = undefined
        return
      case 'shutdown':
        this.#isStopping = true
        return
      case 'failed':
        throw event.error
    }
  }

  async #lost(client: LogClient, work: Work): Promise<void> {
    this.#tasks = []
    this.#isAssigned = false
    await work.abandon()
    await client.abort()
  }

  /** Goes back to the last commit, if that makes sense. @throws the error, if not */
  async #recover(error: unknown, client: LogClient, work: Work): Promise<void> {
    const { logger, clock } = this.#options
    if (error instanceof GivenUp) throw error.cause
    if (isMillraceError(error) && error.code === 'MR_FENCED') {
      const event = client.group.nextEvent()
      if (event?.type !== 'lost') throw error
      return await this.#onGroupEvent(event, client, work)
    }
    const cause = error instanceof GoBack ? error.cause : error
    if (cause !== undefined && !this.#isWorthRetrying(cause)) throw cause
    const ms = this.#redoing.failed(cause ?? commitsFail(this.spec.name, messageOf(error)))
    this.#counters.redone++
    this.#reason = messageOf(error)
    logger.warn({ connector: this.spec.name, err: cause ?? error, pause: ms }, 'going back to the last commit')
    await work.abandon()
    await client.abort()
    const passed = clock.monotonic() + ms
    while (!this.#isStopping && clock.monotonic() < passed) await this.#wake.wait(passed - clock.monotonic())
    if (this.#isStopping) return
    try {
      await work.assign(this.#tasks)
    } catch (again) {
      await this.#recover(again, client, work)
    }
  }

  #isWorthRetrying(error: unknown): boolean {
    if (isMillraceError(error) && PASSING.has(error.code)) return true
    return this.spec.retry.retryOn(error)
  }

  /** Commits what is whole. What cannot be committed is done again by whoever has the tasks next. */
  async #finish(client: LogClient, work: Work): Promise<void> {
    try {
      await work.finish()
    } catch (error) {
      if (!(error instanceof GoBack) && !(isMillraceError(error) && error.code === 'MR_FENCED')) throw error
      const { logger } = this.#options
      logger.warn({ connector: this.spec.name, err: error }, 'the last commit failed; it is done again after a restart')
      await work.abandon()
    }
    await client.group.leave()
  }

  async #openClient(): Promise<LogClient> {
    const { log, group, processId, instanceId, spec, logger } = this.#options
    const { name: connector } = spec
    const process = instanceId ?? processId
    return await log.openClient({
      groupId: group,
      processId: process,
      instanceId,
      clientId: `${group}-${process}`,
      transactionalId: `${group}-${process}`,
      guarantee: 'exactly_once',
      commitInterval: spec.commitInterval,
      rebalanceTimeout: REBALANCE_TIMEOUT,
      standbyReplicas: 0,
      subtopologies: [subtopologyOf(taskTopics(spec, group))],
      onUnreachable: (reason) => {
        this.#unreachable = reason
        if (reason === undefined) logger.warn({ connector }, 'the brokers answer again')
        else logger.warn({ connector, reason }, 'no broker answers; trying until one does')
      },
      missingTopics: {
        timeout: spec.retry.timeout,
        tell: (topic, isMissing) => {
          if (isMissing) logger.warn({ connector, topic }, 'the topic does not exist any more; waiting for it')
          else logger.warn({ connector, topic }, 'the topic is there again')
        },
      },
    })
  }

  async #openWork(client: LogClient): Promise<Work> {
    const { spec, group, log, clock, scheduler, logger, untilEnd, deadLetterTopic } = this.#options
    const counters = this.#counters
    const bad = new BadRecords({ spec, deadLetterTopic, counters, logger })
    const wake = (): void => this.#wake.signal()
    const context: WorkContext = { group, log, client, clock, scheduler, logger, counters, bad, wake }
    return spec.kind === 'source'
      ? await SourceWork.open(spec, untilEnd, `${group}-positions`, context)
      : await SinkWork.open(spec, context)
  }

  get #isDone(): boolean {
    return this.#options.untilEnd && this.#isAssigned && this.#work?.isDone === true
  }

  #show(work: Work): void {
    if (this.#unreachable !== undefined) this.#enter('retrying', this.#unreachable)
    else if (this.#waitingFor !== undefined) this.#enter('waiting', this.#waitingFor)
    else if (!this.#isAssigned) this.#enter('waiting')
    else if (work.failure !== undefined) this.#enter('retrying', work.failure)
    else this.#enter('running')
  }

  #enter(state: ConnectorState, reason?: string): void {
    this.#reason = reason
    this.#state = state
  }
}

function commitsFail(connector: string, reason: string): MillraceError {
  return new MillraceError('MR_COMMIT', `commits of connector "${connector}" have been failing: ${reason}`, {
    hint: 'Nothing is lost: what was not committed is done again after a restart. See the causes logged before.',
  })
}
