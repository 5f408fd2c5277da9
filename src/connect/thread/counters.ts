import type { Connector } from '../definition/connector.ts'

/**
 * What a connector is doing. `waiting`: the group has not given it anything to do, and `reason` says why if that is
 * known. `retrying`: the system that it reads or writes fails. `done`: everything is read, with `untilEnd`.
 */
export const CONNECTOR_STATES = [
  'starting',
  'waiting',
  'running',
  'retrying',
  'paused',
  'done',
  'failed',
  'stopped',
] as const

export type ConnectorState = (typeof CONNECTOR_STATES)[number]

/** What a connector of this instance has done since it was started here, and is doing. */
export interface ConnectorStatus extends Connector {
  readonly state: ConnectorState
  /** Why it is waiting, retrying or failed. */
  readonly reason?: string
  /** Tasks of this instance: partitions of the positions' topic of a source, partition numbers of a sink. */
  readonly tasks: readonly number[]
  /** Records that were committed: written to the topic by a source, to the target by a sink. */
  readonly records: number
  readonly commits: number
  /** Records that were given up, as `onError` says. */
  readonly bad: number
  /** Those of them that were written to the dead letter topic. */
  readonly deadLetters: number
  /** Attempts that failed and were made again. */
  readonly retries: number
  /** Commits that failed, after which everything went back to the last one. */
  readonly redone: number
  /** Committed positions of a source by the names of its partitions, as JSON text. */
  readonly positions?: Readonly<Record<string, string>>
  /** Records that a sink has not read yet, as far as that is known. */
  readonly lag?: number
}

/** Plain numbers that one connector counts. */
export class ConnectorCounters {
  records = 0
  commits = 0
  bad = 0
  deadLetters = 0
  retries = 0
  redone = 0
}

/** Returns the status of a connector that has no thread. */
export function statusOfIdle(
  { kind, name, guarantee }: Connector,
  { records, commits, bad, deadLetters, retries, redone }: ConnectorCounters,
  state: ConnectorState,
  reason: string | undefined,
): ConnectorStatus {
  const counted = { records, commits, bad, deadLetters, retries, redone }
  return { kind, name, guarantee, state, ...(reason === undefined ? {} : { reason }), tasks: [], ...counted }
}
