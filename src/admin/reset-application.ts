import type { Application } from '../application/application.ts'
import type { Log, OffsetSpec } from '../log/log.ts'
import { flag, having, readOptions, text, type TableOf } from '../options/options.ts'
import { carryOutReset, planReset, type ResetPlan } from './plan-reset.ts'
import { position } from './position.ts'

/** Options of `resetApplication`. */
export interface ResetApplicationOptions {
  /** The log on which the application runs. */
  readonly log: Log
  /** The option of the same name of `Streams.start`. Default: `.millrace/state` in the working directory */
  readonly stateDirectory?: string
  /**
   * Where the application begins in its source topics: at the first records (the default), after the last ones, or at
   * the first records at or after a time (ms since the epoch).
   */
  readonly to?: 'earliest' | 'latest' | { readonly timestamp: number }
  /** True: changes nothing, and returns what would be done. Default: false */
  readonly dryRun?: boolean
}

/** What a reset did, or would do. */
export interface ApplicationReset {
  readonly app: string
  /** Offsets of the source topics at which the application begins, sorted. */
  readonly offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]
  /** Internal topics of the application, which are deleted. */
  readonly internalTopics: readonly string[]
  /** Topics that are named like internal topics of the application but are not in its topology. They stay. */
  readonly otherTopics: readonly string[]
  /** Directory of the state on this machine, which is deleted; `undefined` if there is none. */
  readonly stateDirectory: string | undefined
}

const RESET_APPLICATION = {
  log: having<Log>('log', ['describeTopics', 'commitOffsets'], 'a log, as kafka() or embeddedLog() return it', {
    required: true,
    description: 'on which the application runs',
  }),
  stateDirectory: text({ default: '.millrace/state', description: 'as of `Streams.start`', alsoCalled: ['data'] }),
  to: position,
  dryRun: flag({ default: false, description: '`true`: says what would be done, and does nothing' }),
} satisfies TableOf<ResetApplicationOptions>

/**
 * Makes an application process its input again, as Kafka's application reset tool and `millrace reset` do: sets its
 * offsets, and deletes its internal topics and its state on this machine. Its output in other topics stays. State on
 * other machines is deleted by a reset there, or restored from the changelogs, which are empty then.
 *
 * A reset that is interrupted must be repeated before the application is started.
 *
 * @throws MR_GROUP_ACTIVE while an instance is running; MR_TOPIC_UNKNOWN if a source topic is missing; MR_CONFIG
 * @example
 * ```ts
 * await resetApplication(app, { log, to: { timestamp: Date.parse('2026-11-01T00:00Z') } })
 * ```
 */
export async function resetApplication(app: Application, options: ResetApplicationOptions): Promise<ApplicationReset> {
  const { log, stateDirectory, to, dryRun } = readOptions(RESET_APPLICATION, options, 'resetApplication()')
  const plan = await planReset(app, log, stateDirectory, to as OffsetSpec)
  if (!dryRun) await carryOutReset(plan, log)
  return describedReset(plan)
}

/** Returns a plan without what only its execution needs. */
export function describedReset(plan: ResetPlan): ApplicationReset {
  const { app, offsets, internalTopics, otherTopics, stateDirectory } = plan
  const list = Array.from(offsets.entries(), ([topic, partition, { offset }]) => ({ topic, partition, offset }))
  return { app, offsets: list, internalTopics, otherTopics, stateDirectory }
}
