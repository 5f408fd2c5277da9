import { MillraceError, messageOf } from '../../errors/millrace-error.ts'
import type { Log, RecordCursor, TopicSpec } from '../../log/log.ts'
import { readRange } from '../../log/read-range.ts'
import { partitionForKey } from '../../record/murmur2.ts'

/** Bytes of a position that are kept as text: records have room for key and headers beside it. */
const MOST_BYTES = 500_000

/** The topic of a source's positions: its key is the source partition, its value the position as JSON. */
export function positionsTopic(group: string, tasks: number): TopicSpec {
  return {
    name: `${group}-positions`,
    partitions: tasks,
    // Positions come with every commit and are read whole at every start: what was overwritten must go soon.
    configs: { 'cleanup.policy': 'compact', 'segment.bytes': '1048576', 'min.cleanable.dirty.ratio': '0.01' },
  }
}

/** Returns the task that has a source partition: the partition of the positions' topic that its name belongs to. */
export function taskOf(partition: string, tasks: number): number {
  const bytes = Buffer.from(partition)
  return partitionForKey(bytes, 0, bytes.length, tasks)
}

/** Returns a position as it is kept. @throws MR_CONNECTOR_POSITION */
export function positionText(connector: string, partition: string, position: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(position)
  } catch (cause) {
    throw notKept(connector, partition, messageOf(cause), cause)
  }
  if (text === undefined) throw notKept(connector, partition, `it is ${typeof position}`)
  if (Buffer.byteLength(text) > MOST_BYTES) throw notKept(connector, partition, `it is longer than ${MOST_BYTES} bytes`)
  return text
}

function notKept(connector: string, partition: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'MR_CONNECTOR_POSITION',
    `connector "${connector}": the position of source partition "${partition}" cannot be kept: ${why}`,
    { hint: 'Yield a position that is data of JSON: an object of numbers and texts, for example.', cause },
  )
}

/**
 * Reads the committed positions of a task, by source partition. Those of transactions that are still to end are waited
 * for: a predecessor may have been given up between its last commit and the marker of it in this partition.
 *
 * @returns the positions as JSON, and the offset after the last record
 */
export async function readPositions(
  log: Log,
  topic: string,
  task: number,
): Promise<{ readonly positions: Map<string, string>; readonly end: number }> {
  const partition = { topic, partition: task }
  const first = (await log.listOffsets([partition], 'earliest')).get(topic, task) ?? 0
  const end = (await log.listOffsets([partition], 'latest')).get(topic, task) ?? 0
  const positions = new Map<string, string>()
  const reader = log.openReader()
  try {
    for await (const cursor of readRange(log, reader, { ...partition, from: first, end })) {
      takePositions(cursor, positions)
    }
  } finally {
    await reader.close()
  }
  return { positions, end }
}

function takePositions(cursor: RecordCursor, positions: Map<string, string>): void {
  while (cursor.next()) {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
    if (keyStart < 0) continue
    const name = buffer.toString('utf8', keyStart, keyEnd)
    if (valueStart < 0) positions.delete(name)
    else positions.set(name, buffer.toString('utf8', valueStart, valueEnd))
  }
}
