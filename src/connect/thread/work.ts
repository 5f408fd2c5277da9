import type { Logger } from '../../application/application.ts'
import type { SubtopologyDescription } from '../../group/group.ts'
import type { CommitOutcome, Log, LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import type { BadRecords } from './bad-records.ts'
import type { ConnectorCounters } from './counters.ts'

/** What a source or sink does with the tasks of its group. One thread calls it, one call after the other. */
export interface Work {
  /** Takes all tasks that are owned from now on: those that it has go on. */
  assign(tasks: readonly number[]): Promise<void>
  /** Gives tasks up, after all that is whole of them is committed. */
  revoke(tasks: readonly number[]): Promise<void>
  /** Drops everything that is not committed, and all tasks. */
  abandon(): Promise<void>
  /** Does what is due. Returns false if there is nothing to do before `wake` is called, or `sleep` is over. */
  turn(): Promise<boolean>
  /** ms until something is due. */
  readonly sleep: number
  /** Commits all that is whole and gives all tasks up. */
  finish(): Promise<void>
  /** True if everything is read and committed, with `untilEnd`. */
  readonly isDone: boolean
  /** Why the system that is read or written fails at present. */
  readonly failure: string | undefined
  /** Called, at any time, when the membership may be over. */
  lost(): void
  readonly positions?: Readonly<Record<string, string>>
  readonly lag?: number
}

/** What work is given. */
export interface WorkContext {
  readonly group: string
  readonly log: Log
  readonly client: LogClient
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger
  readonly counters: ConnectorCounters
  readonly bad: BadRecords
  /** Asks for a turn. */
  readonly wake: () => void
}

/** Says that everything has to go back to the last commit: it failed, or something that it must not have. */
export class GoBack extends Error {
  /** @param cause what has happened, if it is more than the outcome of a commit */
  constructor(reason: string, cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
  }
}

/** Carries an error for which trying again has been given up, or makes no sense: it ends the connector. */
export class GivenUp extends Error {
  constructor(cause: unknown) {
    super('given up', { cause })
  }
}

/** @throws GoBack */
export function requireCommitted(outcome: CommitOutcome): void {
  if (outcome !== 'committed') throw new GoBack(`the commit is ${outcome}`)
}

/** The one sub-topology of a connector, whose tasks are the numbers of the partitions of `topics`. */
export function subtopologyOf(topics: readonly string[]): SubtopologyDescription {
  return {
    id: 0,
    sourceTopics: [...topics].sort(),
    repartitionSourceTopics: [],
    repartitionSinkTopics: [],
    changelogTopics: [],
    copartitionGroups: [],
  }
}
