import { MillraceError } from '../../errors/millrace-error.ts'
import { wasRestored } from '../../log/topic-life.ts'
import type { Checkpoint, TaskState } from '../../state/task/task-state.ts'
import type { SourceReplay } from './source-replay.ts'

/** A store that is behind its changelog. */
export interface RestoreJob {
  readonly task: string
  readonly store: string
  readonly state: TaskState
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** First offset to replay. */
  readonly from: number
  /** End of the changelog when the restore began. For a standby: how far it may follow, Infinity for ever. */
  readonly end: number
  /** True: a standby's, which has no end. */
  readonly follows: boolean
  /** When the store was last known to hold everything below `from`, ms since the epoch. */
  readonly asOf: number
  /** True: `asOf` is so long ago that tombstones may be gone. The store is of use only if nothing follows `from`. */
  readonly stale: boolean
  /** For a source topic that serves as changelog. */
  readonly replay: SourceReplay | undefined
}

/** What a changelog topic is and holds, as a restore begins. */
export interface ChangelogRange {
  readonly topicId: string
  readonly earliest: number
  readonly end: number
  /** ms after which compaction may delete a tombstone. */
  readonly tombstoneRetention: number
}

/** Where to begin the restore of a store. */
export interface RestorePlan {
  readonly from: number
  readonly asOf: number
  readonly stale: boolean
  /** Why what the store holds is of no use; `undefined` if it is. */
  readonly wipe: string | undefined
  /** The changelog is another one than the store was written to, and does not hold what that held. */
  readonly isReplaced: boolean
}

/** `delete.retention.ms` of a topic that does not say otherwise. */
export const DEFAULT_TOMBSTONE_RETENTION = 86_400_000

/**
 * A log that was restored from a backup holds what led to its committed offsets, but perhaps not all that the store
 * has seen. So the store is built from it again.
 *
 * A store goes on from its checkpoint if that is of this very topic and within what the topic still holds. It counts as
 * stale after half of the time that tombstones are kept: the other half is left for reading them. A checkpoint from the
 * future was written before the date was set back. Its age may be wrong by as much, so the same bound holds.
 */
export function planRestore(checkpoint: Checkpoint | undefined, range: ChangelogRange, now: number): RestorePlan {
  const { earliest, end, topicId, tombstoneRetention } = range
  const isOther = checkpoint !== undefined && checkpoint.topicId !== topicId
  const isRestored = isOther && wasRestored(checkpoint.topicId, topicId)
  const isReplaced = isOther && !isRestored
  const fresh = (wipe: string | undefined): RestorePlan => ({
    from: earliest,
    asOf: now,
    stale: false,
    wipe,
    isReplaced,
  })
  if (checkpoint === undefined) return fresh(undefined)
  const { offset, time } = checkpoint
  if (isRestored) return fresh('the log was restored from a backup, and the store may be ahead of it')
  if (isReplaced) return fresh('its changelog topic was deleted and created again')
  if (offset < earliest) return fresh(`the changelog begins at ${earliest}, behind the checkpoint ${offset}`)
  if (offset > end) return fresh(`the changelog ends at ${end}, before the checkpoint ${offset}`)
  return { from: offset, asOf: time, stale: Math.abs(now - time) > tombstoneRetention / 2, wipe: undefined, isReplaced }
}

/** A changelog that should be there is not. */
export function missingChangelog(topic: string, store: string, task: string): MillraceError {
  return new MillraceError('MR_INTERNAL_TOPIC', `the changelog topic "${topic}" does not exist`, {
    store,
    task,
    topic,
    hint: 'It was deleted, or the group could not create it.',
  })
}

/** Records were processed whose effect on a store is nowhere any more. To go on would give wrong results in silence. */
export function replacedChangelog(topic: string, store: string, task: string): MillraceError {
  return new MillraceError(
    'MR_INTERNAL_TOPIC',
    `the changelog topic "${topic}" was deleted and created again, ` +
      'after records had been processed whose results it held',
    {
      store,
      task,
      topic,
      hint:
        'Process all input again: "millrace reset". ' +
        'To go on with an empty store instead, delete the directory of the task below the state directory.',
    },
  )
}
