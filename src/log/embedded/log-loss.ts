import { MillraceError } from '../../errors/millrace-error.ts'
import type { EmbeddedPartition, Hole } from './embedded-partition.ts'
import type { TopicEnds } from '../local/log-snapshot.ts'
import { ACCEPT_LOSS } from './accept-loss.ts'

/** How many losses an error names. */
const SHOWN = 10

/** Records that a partition no longer has. */
export interface Loss {
  readonly topic: string
  readonly partition: number
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** The loss in words, for messages. */
  readonly text: string
}

/** Returns the losses of partitions that end before their known end. A topic with another number is another topic. */
export function shortened(before: readonly TopicEnds[], now: readonly TopicEnds[]): Loss[] {
  return before.flatMap(({ name, number, ends }) => {
    const found = now.find((topic) => topic.number === number)
    return ends.flatMap((to, partition) => {
      const from = found?.ends[partition] ?? 0
      const place = found === undefined ? 'is gone' : `ends at ${from}`
      const text = `${name}-${partition} ${place}, ${to} is recorded`
      return from >= to && found !== undefined ? [] : [{ topic: name, partition, from, to, text }]
    })
  })
}

/** Returns the losses within a partition. */
export function holed(partition: EmbeddedPartition, holes: readonly Hole[]): Loss[] {
  const { topic, partition: index } = partition
  return holes.map(({ from, to }) => ({
    topic,
    partition: index,
    from,
    to,
    text: `${topic}-${index} lacks ${from} to ${to - 1}`,
  }))
}

export function recordsIn(losses: readonly Loss[]): number {
  return losses.reduce((sum, { from, to }) => sum + to - from, 0)
}

/** @param what the damage, if more is known than that records are missing */
export function lostData(directory: string, what: string | undefined, losses: readonly Loss[]): MillraceError {
  const parts = what === undefined ? [] : [what]
  for (const { text } of losses.slice(0, SHOWN)) parts.push(text)
  if (losses.length > SHOWN) parts.push(`and ${losses.length - SHOWN} more`)
  parts.push(losses.length > 0 ? `${recordsIn(losses)} records are missing` : 'every record that is known of is there')
  const [first] = losses
  return new MillraceError('MR_STATE_CORRUPT', `the log in ${directory} lost data: ${parts.join('; ')}`, {
    hint: `${ACCEPT_LOSS} Nothing was deleted.`,
    topic: first?.topic,
    partition: first?.partition,
    offset: first?.from,
  })
}

/** @param topics those that the log is known to have had */
export function unreadable(directory: string, topics: readonly TopicEnds[], cause: MillraceError): MillraceError {
  const known = topics.flatMap(({ name, ends }) => ends.map((end, partition) => `${name}-${partition} to ${end}`))
  const more = known.length > SHOWN ? ` and ${known.length - SHOWN} more` : ''
  const had = known.length === 0 ? '' : `; it had ${known.slice(0, SHOWN).join(', ')}${more}`
  return new MillraceError('MR_STATE_CORRUPT', `the log in ${directory} cannot be read: ${cause.message}${had}`, {
    hint: `${ACCEPT_LOSS} Nothing was deleted.`,
    cause,
  })
}
