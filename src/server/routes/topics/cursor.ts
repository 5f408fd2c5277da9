import { MillraceError } from '../../../errors/millrace-error.ts'
import type { TopicDescription } from '../../../log/log.ts'
import { crc32c } from '../../../platform/checksum.ts'
import { badRequest } from '../../http/problem.ts'

/** Where reading goes on: the offset of the next record, by partition. */
export type Positions = ReadonlyMap<number, number>

/** Returns text that `readCursor` understands, of the same topic alone. */
export function cursorOf({ id }: TopicDescription, positions: Positions): string {
  let text = id
  for (const [partition, offset] of positions) text += `,${partition}:${offset}`
  return Buffer.from(`${crc32c(Buffer.from(text)).toString(16)},${text}`).toString('base64url')
}

/**
 * Returns the offsets of a cursor.
 *
 * @param what the cursor is in the request, for errors
 * @throws MR_SERVER_REQUEST if it is no cursor; MR_OFFSET_OUT_OF_RANGE if the topic has been created again since
 */
export function readCursor(text: string, { name, id, partitions }: TopicDescription, what: string): Positions {
  const [sum, topic, ...places] = Buffer.from(text, 'base64url').toString().split(',')
  const isWhole = topic !== undefined && crc32c(Buffer.from([topic, ...places].join(','))).toString(16) === sum
  const positions = new Map(places.map((place) => place.split(':').map(Number) as [number, number]))
  const fits = ([partition, offset]: [number, number]): boolean =>
    partition < partitions && Number.isSafeInteger(offset)
  if (!isWhole || ![...positions].every(fits)) {
    throw badRequest(`${what} is no cursor of the topic`, 'Give one that a response for this topic had.')
  }
  if (topic === id) return positions
  throw new MillraceError('MR_OFFSET_OUT_OF_RANGE', 'the topic is another one than that of the cursor', {
    topic: name,
    hint: 'It was deleted and created again: read it from its beginning.',
  })
}
