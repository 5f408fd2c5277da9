import { MillraceError } from '../../../errors/millrace-error.ts'
import { groupStatus, type Status } from '../../protocol/streams-group-types.ts'

/** Time in ms for which a reason may pass: a coordinator learns of new topics a little late. */
const patience = 500
/** The same for missing internal topics: at every first start the coordinator takes a moment to create them. */
const creationPatience = 5_000

/** Finds the reason why a group assigns no tasks, once it has lasted. */
export class WaitingReasons {
  #code: number | undefined
  /** When the coordinator first said `#code`. */
  #since: number | undefined

  /** Returns the error to report for the statuses of a reply; `undefined` if there is none, or it may soon pass. */
  next(status: readonly Status[], now: number): MillraceError | undefined {
    const reason = status.find(({ code }) => isWaiting(code))
    if (reason?.code !== this.#code) this.#since = undefined
    this.#code = reason?.code
    if (reason === undefined) return undefined
    this.#since ??= now
    const isCreating = reason.code === groupStatus.missingInternalTopics && !hasFailed(reason.detail)
    return now - this.#since < (isCreating ? creationPatience : patience) ? undefined : waitingError(reason)
  }
}

/** Whether a status means that no tasks can be assigned. */
export function isWaiting(code: number): boolean {
  return (
    code === groupStatus.missingSourceTopics ||
    code === groupStatus.incorrectlyPartitionedTopics ||
    code === groupStatus.missingInternalTopics
  )
}

/** Whether a creation failed. Not so if the topic exists: a coordinator that sees a new topic late creates it twice. */
function hasFailed(detail: string): boolean {
  const failures = detail.split('Creation failed:', 2)[1]?.replaceAll(/\(Topic '[^']*' already exists\.\)/g, '')
  return failures?.includes('(') ?? false
}

function waitingError({ code, detail }: Status): MillraceError {
  switch (code) {
    case groupStatus.missingSourceTopics:
      return new MillraceError('MR_TOPIC_UNKNOWN', detail, {
        topic: /^Source topics ([^\s,]+) are missing/.exec(detail)?.[1],
        hint: 'Create the topics. An application that was running then goes on by itself. One that is starting ends.',
      })
    case groupStatus.incorrectlyPartitionedTopics: {
      const topic = /^Existing topic (\S+) has different number of partitions/.exec(detail)?.[1]
      if (topic !== undefined) return wrongPartitionCount(topic, detail)
      return new MillraceError('MR_NOT_COPARTITIONED', withPlainCounts(detail), {
        hint: 'Joined topics need equal numbers of partitions: repartition one side, or create one topic again.',
      })
    }
    default:
      return new MillraceError('MR_INTERNAL_TOPIC', detail, {
        hint:
          'The group coordinator could not create internal topics: ' +
          'check their configs, the replication factor and the permissions, or create them yourself.',
      })
  }
}

function wrongPartitionCount(topic: string, detail: string): MillraceError {
  return new MillraceError('MR_INTERNAL_TOPIC', detail, {
    topic,
    hint:
      'The number of partitions of a source topic, or the topology, has changed: ' +
      'start over with "millrace reset", or give the topic the number that it needs.',
  })
}

/** Rewrites a map that the coordinator writes as Java prints it: `{orders=3, users=2}`. */
function withPlainCounts(detail: string): string {
  return detail.replaceAll(/([\w.-]+)=(\d+)/g, '$1: $2').replaceAll(/[[{\]}]/g, '')
}
