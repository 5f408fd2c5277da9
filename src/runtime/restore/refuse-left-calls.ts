import type { Application } from '../../application/application.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { Log, LogReader, RecordCursor, TopicPartition } from '../../log/log.ts'
import { NO_HEADERS } from '../../record/headers.ts'
import { CALLS_HEADER } from '../../state/calls/call-store.ts'
import { internalTopicsOf } from '../../topology/describe/subtopologies-for-group.ts'
import type { Topology } from '../../topology/topology.ts'
import type { RestoreJob } from './restore-job.ts'

const CHANGELOG = '-changelog'

/**
 * Records whose call had not ended lie in the store of their step alone: their offsets are committed. A topology
 * without that step would lose them without a word.
 *
 * @throws MR_TOPOLOGY_CALLS_LEFT
 */
export async function refuseLeftCalls(app: Application, topology: Topology, log: Log): Promise<void> {
  const prefix = `${app.id}-`
  const wanted = new Set(internalTopicsOf(topology, app.id))
  const unused = (await log.listTopics()).filter(
    (topic) => topic.startsWith(prefix) && topic.endsWith(CHANGELOG) && !wanted.has(topic),
  )
  for (const topic of unused) {
    const store = topic.slice(prefix.length, -CHANGELOG.length)
    const left = await countCalls(log, topic, store)
    if (left > 0) throw callsLeft(topic, store, left)
  }
}

/**
 * A store that is called as the store of an asynchronous step was would take the records that wait there for its rows.
 *
 * @param first of the changelog, as far as it is replayed
 * @throws MR_TOPOLOGY_CALLS_LEFT
 */
export function refuseCallsAsRows({ state, store, task, topic, partition }: RestoreJob, first: RecordCursor): void {
  const name = first.headers(NO_HEADERS).getString(CALLS_HEADER)
  if (typeof name !== 'string' || state.state(store)?.spec.kind === 'calls') return
  throw new MillraceError(
    'MR_TOPOLOGY_CALLS_LEFT',
    `the changelog of the store "${store}" is that of an asynchronous step, which may have left records there`,
    {
      task,
      store,
      topic,
      partition,
      hint:
        `Give the store another name. To have the records called that wait there, put the step back, ` +
        `with the option store: '${store}'.`,
    },
  )
}

/** The number of calls in a changelog; 0 if it is that of another kind of store. */
async function countCalls(log: Log, topic: string, store: string): Promise<number> {
  const partitions = Array.from(
    { length: (await log.describeTopics([topic])).get(topic)?.partitions ?? 0 },
    (_, partition) => ({ topic, partition }),
  )
  const starts = await log.listOffsets(partitions, 'earliest')
  const live = new Set<string>()
  let isOther = false
  const read = (_topic: string, partition: number, cursor: RecordCursor): void => {
    while (!isOther && cursor.next()) {
      const { buffer, keyStart, keyEnd, valueStart } = cursor
      isOther = cursor.headers(NO_HEADERS).getString(CALLS_HEADER) !== store
      const id = `${partition} ${buffer.toString('latin1', keyStart, keyEnd)}`
      if (valueStart < 0) live.delete(id)
      else live.add(id)
    }
  }
  const reader = log.openReader()
  try {
    for (const { partition } of partitions) reader.assign(topic, partition, starts.get(topic, partition) ?? 0)
    const isDone = (): boolean => partitions.every((each) => isRead(reader, each))
    for (let wake = arrival(reader); !isDone() && !isOther; wake = arrival(reader)) {
      if (reader.poll(read) === 0 && !isDone()) await wake
    }
  } finally {
    await reader.close()
  }
  return isOther ? 0 : live.size
}

/** Resolves when there is something to poll. To be made before polling: what arrives in between counts, too. */
function arrival(reader: LogReader): Promise<void> {
  return new Promise((resolve) => reader.onReady(resolve))
}

/** What an open transaction holds is not waited for: it may stay open for long. */
function isRead(reader: LogReader, { topic, partition }: TopicPartition): boolean {
  const end = reader.endOffset(topic, partition)
  return end !== undefined && (reader.position(topic, partition) ?? 0) >= end
}

function callsLeft(topic: string, store: string, left: number): MillraceError {
  return new MillraceError(
    'MR_TOPOLOGY_CALLS_LEFT',
    `${left} records wait for a call of an asynchronous step with the store "${store}", which the topology lacks`,
    {
      topic,
      store,
      hint:
        `Put the step back, with the option store: '${store}', and let its calls end. ` +
        `If you do not need these records, delete the topic, or start over with millrace reset.`,
    },
  )
}
