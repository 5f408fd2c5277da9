import { MillraceError } from '../../errors/millrace-error.ts'
import type { Uncommitted } from '../task/processing.ts'

/** Codes of errors after which what failed is done again, from the last commit on. */
export const passing: ReadonlySet<string> = new Set([
  'MR_LOG_UNREACHABLE',
  'MR_OFFSET_OUT_OF_RANGE',
  'MR_TOPIC_REPLACED',
])

/** Makes the error of commits that have failed for too long because a topic that is written to is missing. */
export function deletedOutput(topic: string, duration: number): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', `a topic that is written to has not existed for ${duration} ms`, {
    topic,
    hint:
      'Create the topic again, then start the application. ' +
      'Nothing is lost: the records since the last commit are processed again.',
  })
}

/** Makes the error of commits that have failed for too long. */
export function commitsFail(duration: number, outcome: string, uncommitted: readonly Uncommitted[]): MillraceError {
  const places = uncommitted.map(
    ({ task, topic, partition, offset }) => `task ${task} at ${topic}/${partition} offset ${offset}`,
  )
  const [first] = uncommitted
  const where = places.length === 0 ? '' : `; not committed: ${places.join(', ')}`
  return new MillraceError(
    'MR_COMMIT',
    `commits have been failing for ${duration} ms (last outcome: ${outcome})${where}`,
    {
      task: first?.task,
      topic: first?.topic,
      partition: first?.partition,
      offset: first?.offset,
      hint:
        'Nothing is lost: the records since the last commit are processed again after a restart. ' +
        'See the causes logged before; a function that takes longer than the transaction timeout is one.',
    },
  )
}
