import { MillraceError } from '../../errors/millrace-error.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { CommittedOffset, PartitionMap } from '../log.ts'
import type { Run } from './run.ts'
import type { LocalPartition } from './local-topic.ts'

export interface StagedRun {
  readonly partition: LocalPartition
  readonly run: Run
}

/** Records and offsets that become visible together. */
export interface StagedCommit {
  readonly runs: readonly StagedRun[]
  readonly groupId: string | undefined
  readonly offsets: PartitionMap<CommittedOffset> | undefined
}

/** Makes a commit last, then visible. */
export type Publish = (commit: StagedCommit) => MaybePromise<void>

export function logClosed(): MillraceError {
  return new MillraceError('MR_LOG_FAILED', 'the log is closed', { hint: 'Open it again.' })
}
