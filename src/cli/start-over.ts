import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import type { GroupMember, SubtopologyDescription, TaskId } from '../log/group.ts'
import { PartitionMap } from '../log/log.ts'
import type { CommittedOffset, Log, TopicPartition } from '../log/log.ts'
import type { Application } from '../topology/application.ts'
import { subtopologiesForGroup } from '../topology/subtopologies-for-group.ts'

/** Of the group while it is reset, in ms. It has one member, which gives nothing up. */
const REBALANCE_TIMEOUT = 60_000

/** True if an earlier attempt to start over was cut short: part of the old state is gone, so that it has to be finished. */
export function mustStartOver(app: Application, data: string): boolean {
  return existsSync(markerOf(app, data))
}

/**
 * Makes an application forget everything it has done on an embedded log: its state, the content of its internal topics and
 * its committed offsets, so that it processes its input from the beginning. What it wrote to other topics stays.
 */
export async function startOver(app: Application, log: Log, data: string): Promise<void> {
  const marker = markerOf(app, data)
  mkdirSync(data, { recursive: true })
  writeFileSync(marker, '', { flush: true })
  rmSync(join(data, 'state', app.id), { recursive: true, force: true })

  const subtopologies = subtopologiesForGroup(app.topology(), app.id, app.settings.replicationFactor)
  const id = `${app.id}-start-over-${randomUUID()}`
  const client = await log.openClient({
    groupId: app.id,
    processId: id,
    clientId: id,
    transactionalId: id,
    subtopologies,
    guarantee: 'exactly_once',
    rebalanceTimeout: REBALANCE_TIMEOUT,
    standbyReplicas: 0,
  })
  try {
    await client.group.join()
    const tasks = await firstAssignment(client.group)
    const { sources, internal } = await partitionsOf(log, subtopologies, tasks)
    const ends = await log.listOffsets(internal.all, 'latest')
    await log.deleteRecords(ends)
    await client.commit(
      startingAt(await log.listOffsets(sources, 'earliest'), await log.listOffsets(internal.sources, 'latest')),
    )
    await client.group.leave()
  } finally {
    await client.close()
  }
  rmSync(marker)
}

function markerOf(app: Application, data: string): string {
  return join(data, `${app.id}.start-over`)
}

async function firstAssignment(group: GroupMember): Promise<readonly TaskId[]> {
  for (;;) {
    const event = group.nextEvent()
    if (event === undefined) {
      await new Promise<void>((resolve) => group.onEvent(resolve))
      continue
    }
    if (event.type === 'assigned') {
      group.acknowledge()
      return event.active
    }
    if (event.type === 'waiting' || event.type === 'failed') throw event.error
    throw new MillraceError('MR_LOG_FAILED', `the group answered "${event.type}" instead of an assignment`)
  }
}

interface AppPartitions {
  readonly sources: readonly TopicPartition[]
  readonly internal: { readonly sources: readonly TopicPartition[]; readonly all: readonly TopicPartition[] }
}

async function partitionsOf(
  log: Log,
  subtopologies: readonly SubtopologyDescription[],
  tasks: readonly TaskId[],
): Promise<AppPartitions> {
  const names = subtopologies.flatMap(({ sourceTopics, repartitionSourceTopics, changelogTopics }) => [
    ...sourceTopics,
    ...repartitionSourceTopics.map(({ name }) => name),
    ...changelogTopics.map(({ name }) => name),
  ])
  const topics = await log.describeTopics(names)
  const ofTasks = (select: (subtopology: SubtopologyDescription) => readonly string[]): TopicPartition[] =>
    tasks.flatMap(({ subtopology, partition }) => {
      const description = subtopologies.find(({ id }) => id === subtopology)
      const existing = description === undefined ? [] : select(description)
      return existing
        .filter((topic) => partition < (topics.get(topic)?.partitions ?? 0))
        .map((topic) => ({ topic, partition }))
    })
  const repartitions = ofTasks(({ repartitionSourceTopics }) => repartitionSourceTopics.map(({ name }) => name))
  const changelogs = ofTasks(({ changelogTopics }) => changelogTopics.map(({ name }) => name))
  return {
    sources: ofTasks(({ sourceTopics }) => sourceTopics),
    internal: { sources: repartitions, all: [...repartitions, ...changelogs] },
  }
}

function startingAt(...all: readonly PartitionMap<number>[]): PartitionMap<CommittedOffset> {
  const offsets = new PartitionMap<CommittedOffset>()
  for (const map of all) {
    for (const [topic, partition, offset] of map.entries()) offsets.set(topic, partition, { offset, metadata: '' })
  }
  return offsets
}
