import { MillraceError } from '../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset, type Log, type TopicPartition } from '../log/log.ts'
import { appendOne } from './append-one.ts'
import { pausedConnectors } from './controls.ts'
import { groupOf, knownConnector, specsOf, type Connectors, type Spec } from './define-connectors.ts'
import type { ConnectorGuarantee } from './definition/connector.ts'
import { positionsTopic, readPositions, taskOf } from './thread/positions.ts'

/** Where a connector goes on in one of its partitions. */
export interface ConnectorPosition {
  /** A source partition; `<topic>/<partition>` of a sink. */
  readonly partition: string
  /** The position of a source as JSON; the next offset of a sink. */
  readonly position: string
  /** Records that a sink has not committed yet. */
  readonly lag?: number
}

/** A connector as its log knows it, wherever its instances are. */
export interface ConnectorDescription {
  readonly name: string
  readonly kind: Spec['kind']
  readonly guarantee: ConnectorGuarantee
  readonly group: string
  /** `running` if its group has members. */
  readonly state: 'running' | 'paused' | 'stopped'
  readonly members: number
  readonly positions: readonly ConnectorPosition[]
}

/** Returns what a log knows of the connectors of a definition. Reads all positions. */
export async function describeConnectors(log: Log, definition: Connectors): Promise<readonly ConnectorDescription[]> {
  const paused = await pausedConnectors(log, definition.id)
  const described: ConnectorDescription[] = []
  for (const spec of specsOf(definition)) {
    const { name, kind, guarantee } = spec
    const group = groupOf(definition, name)
    const members = (await log.groupMembers(group)).length
    const state = members > 0 ? 'running' : paused.has(name) ? 'paused' : 'stopped'
    const positions = kind === 'source' ? await ofSource(log, group, spec.tasks) : await ofSink(log, group, spec)
    described.push({ name, kind, guarantee, group, state, members, positions })
  }
  return described
}

async function ofSource(log: Log, group: string, tasks: number): Promise<ConnectorPosition[]> {
  const { name } = positionsTopic(group, tasks)
  const topic = (await log.describeTopics([name])).get(name)
  const found: ConnectorPosition[] = []
  for (let task = 0; task < (topic?.partitions ?? 0); task++) {
    const { positions } = await readPositions(log, name, task)
    for (const [partition, position] of positions) found.push({ partition, position })
  }
  return found.toSorted((left, right) => (left.partition < right.partition ? -1 : 1))
}

async function ofSink(
  log: Log,
  group: string,
  { topics }: Extract<Spec, { kind: 'sink' }>,
): Promise<ConnectorPosition[]> {
  const found = await log.describeTopics(topics.map(({ name }) => name))
  const partitions: TopicPartition[] = [...found.values()].flatMap(({ name, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
  )
  const committed = await log.committedOffsets(group, partitions)
  const ends = await log.listOffsets(partitions, 'latest')
  return partitions.flatMap(({ topic, partition }) => {
    const offset = committed.get(topic, partition)?.offset
    if (offset === undefined) return []
    const lag = Math.max(0, (ends.get(topic, partition) ?? offset) - offset)
    return { partition: `${topic}/${partition}`, position: String(offset), lag }
  })
}

/**
 * Sets where a connector that does not run goes on: pause it first, so that no instance of it starts meanwhile.
 *
 * @param partition a source partition; `<topic>/<partition>` of a sink
 * @param position data of JSON for a source, null to begin at its start; the next offset of a sink
 * @throws MR_CONNECTOR_UNKNOWN, MR_CONNECTOR_RUNNING; MR_CONNECTOR_TARGET for a sink whose target keeps the offsets;
 * MR_PARTITION_UNKNOWN, MR_TOPIC_UNKNOWN, MR_CONNECTOR_POSITION
 */
export async function setPosition(
  log: Log,
  definition: Connectors,
  name: string,
  partition: string,
  position: unknown,
): Promise<void> {
  const spec = knownConnector(definition, name)
  const group = groupOf(definition, name)
  const members = await log.groupMembers(group)
  if (members.length > 0 || !(await pausedConnectors(log, definition.id)).has(name)) throw runs(name, members)
  if (spec.kind === 'sink') await setOffset(log, group, spec, partition, position)
  else await setSource(log, positionsTopic(group, spec.tasks).name, taskOf(partition, spec.tasks), partition, position)
}

async function setSource(log: Log, topic: string, task: number, partition: string, position: unknown): Promise<void> {
  await appendOne(log, topic, task, partition, position === null ? null : Buffer.from(JSON.stringify(position)))
}

async function setOffset(log: Log, group: string, spec: Spec, place: string, offset: unknown): Promise<void> {
  if (spec.guarantee === 'exactly-once')
    throw new MillraceError('MR_CONNECTOR_TARGET', `the target of connector "${spec.name}" keeps its offsets itself`, {
      hint: 'Change them in the target.',
    })
  const [, topic = '', partition = ''] = /^(.+)\/(\d+)$/.exec(place) ?? []
  const isKnown = spec.kind === 'sink' && spec.topics.some(({ name }) => name === topic)
  if (!isKnown || !Number.isSafeInteger(offset) || Number(offset) < 0)
    throw new MillraceError(
      'MR_CONNECTOR_POSITION',
      `connector "${spec.name}" cannot go on at ${place} ${String(offset)}`,
      {
        hint: 'Give TOPIC/PARTITION of a topic that the sink reads, and an offset.',
      },
    )
  const offsets = new PartitionMap<CommittedOffset>()
  await log.commitOffsets(group, offsets.set(topic, Number(partition), { offset: Number(offset), metadata: '' }))
}

function runs(name: string, members: readonly string[]): MillraceError {
  const why = members.length > 0 ? `has members: ${members.join(', ')}` : 'is not paused'
  return new MillraceError('MR_CONNECTOR_RUNNING', `connector "${name}" ${why}`, {
    hint: 'Run millrace connectors pause first. An instance that was killed counts until its session has ended.',
  })
}
