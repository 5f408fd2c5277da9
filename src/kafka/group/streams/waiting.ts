import { MillraceError } from '../../../errors/millrace-error.ts'
import { groupStatus } from '../../protocol/streams-group-types.ts'
import type { Status } from '../../protocol/streams-group-types.ts'

/** A coordinator hears of new topics a little late, and would call them missing. */
const patience = 500
/** Missing internal topics are the coordinator's to create, which takes a moment at every first start. */
const creationPatience = 5_000

/** Why a group hands out no tasks, where that has lasted. */
export class WaitingReasons {
  #code: number | undefined
  /** When `#code` began to be what the coordinator says. */
  #since: number | undefined

  /** The error to report for the statuses of a reply; `undefined` if there is none, or it may pass in a moment. */
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

/** Whether a status means that no tasks can be handed out. */
export function isWaiting(code: number): boolean {
  return (
    code === groupStatus.missingSourceTopics ||
    code === groupStatus.incorrectlyPartitionedTopics ||
    code === groupStatus.missingInternalTopics
  )
}

/** A coordinator that is slow to see what it created tries again, and then calls it a failure that the topic is there. */
function hasFailed(detail: string): boolean {
  const failures = detail.split('Creation failed:', 2)[1]?.replaceAll(/\(Topic '[^']*' already exists\.\)/g, '')
  return failures?.includes('(') ?? false
}

function waitingError({ code, detail }: Status): MillraceError {
  switch (code) {
    case groupStatus.missingSourceTopics:
      return new MillraceError('MR_TOPIC_UNKNOWN', detail, {
        topic: /^Source topics ([^\s,]+) are missing/.exec(detail)?.[1],
        hint: 'Create the topics. An application that was running goes on by itself once they exist; one that is only starting ends.',
      })
    case groupStatus.incorrectlyPartitionedTopics: {
      const topic = /^Existing topic (\S+) has different number of partitions/.exec(detail)?.[1]
      if (topic !== undefined) return wrongPartitionCount(topic, detail)
      return new MillraceError('MR_NOT_COPARTITIONED', withPlainCounts(detail), {
        hint: 'Topics that are joined need equal numbers of partitions: repartition one side, or create the topic anew.',
      })
    }
    default:
      return new MillraceError('MR_INTERNAL_TOPIC', detail, {
        hint: 'The group coordinator could not create internal topics: check their configs, the replication factor and the permissions, or create them.',
      })
  }
}

function wrongPartitionCount(topic: string, detail: string): MillraceError {
  return new MillraceError('MR_INTERNAL_TOPIC', detail, {
    topic,
    hint: 'The number of partitions of a source topic, or the topology, has changed: start over with "millrace reset", or give the topic the number it needs.',
  })
}

/** The coordinator writes a map as Java prints it: `{orders=3, users=2}`. */
function withPlainCounts(detail: string): string {
  return detail.replaceAll(/([\w.-]+)=(\d+)/g, '$1: $2').replaceAll(/[[{\]}]/g, '')
}
