import type { Application } from '../../application/application.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import type { Log, LogClient } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import type { Topology } from '../../topology/topology.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import type { StateHome } from '../state-directory/state-home.ts'
import type { GlobalTables } from './global-tables.ts'

/** What the tasks of a thread work with. */
export interface TaskManagerOptions {
  readonly app: Application
  readonly topology: Topology
  readonly log: Log
  readonly client: LogClient
  readonly home: StateHome
  readonly globals: GlobalTables
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly onRestore: RestoreListener
  readonly lines: RepeatedLines
  /** `real`: a task per sub-topology and partition. `merged`: a task per partition over all sub-topologies. */
  readonly tasks: 'real' | 'merged'
  /** May create a topic that a sink computes. */
  readonly topicMissing?: (topic: string) => void
  /** Which topic's records to hand over first when several arrive together; the log's order if absent. */
  readonly arrivalOrder?: (a: string, b: string) => number
}
