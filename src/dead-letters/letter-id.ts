import type { TopicPartition } from '../log/log.ts'

/** The place of a record: what the id of a dead letter says. */
export interface RecordPlace extends TopicPartition {
  readonly offset: number
}

/** Returns the id of the dead letter at this place: `rejected-0-17`. */
export function letterId({ topic, partition, offset }: RecordPlace): string {
  return `${topic}-${partition}-${offset}`
}

/** Returns the place that an id names; `undefined` if the text is no id. */
export function parseLetterId(text: string): RecordPlace | undefined {
  const [, topic, partition, offset] = /^(.+)-(0|[1-9]\d*)-(0|[1-9]\d*)$/.exec(text) ?? []
  if (topic === undefined) return undefined
  const place = { topic, partition: Number(partition), offset: Number(offset) }
  return Number.isSafeInteger(place.partition) && Number.isSafeInteger(place.offset) ? place : undefined
}
