import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../errors/millrace-error.ts'
import { groupActive } from '../group/group.ts'
import { PartitionMap, type CommittedOffset, type Log, type OffsetSpec } from '../log/log.ts'
import { DIRECTORY_MODES, FILE_MODES } from '../platform/file-mode.ts'
import type { Application } from '../application/application.ts'
import { renamedTopics } from '../topology/renamed-topics.ts'
import { hasInternalName } from '../topology/internal-topic-names.ts'
import { internalTopicsOf, subtopologiesForGroup } from '../topology/describe/subtopologies-for-group.ts'

/** The steps of a reset. */
export interface ResetPlan {
  readonly app: string
  /** Offsets of the source topics at which the application will begin. */
  readonly offsets: PartitionMap<CommittedOffset>
  /** Internal topics of the application, which will be deleted. */
  readonly internalTopics: readonly string[]
  /** Topics that are named like internal topics of this application but are not in its topology. They stay. */
  readonly otherTopics: readonly string[]
  /** Directory of the state on this machine, which will be deleted; undefined if there is none. */
  readonly stateDirectory: string | undefined
  readonly marker: string
}

/**
 * Plans how to make an application process its input again, as Kafka's application reset tool does.
 *
 * @param states the directory with the state of applications, each in its own
 * @throws MR_GROUP_ACTIVE while an instance is running; MR_TOPIC_UNKNOWN if a source topic is missing
 */
export async function planReset(
  app: Application,
  log: Log,
  states: string,
  to: OffsetSpec = 'earliest',
): Promise<ResetPlan> {
  const members = await log.groupMembers(app.id)
  if (members.length > 0) throw groupActive(app.id, members)
  const subtopologies = subtopologiesForGroup(app.topology(), app.id, app.settings.replicationFactor)
  const wanted = internalTopicsOf(app.topology(), app.id)
  const existing = await log.listTopics()
  // Topics whose generated names have changed would prevent the next start.
  const own = new Set([...wanted, ...renamedTopics(app.id, wanted, existing).map(({ before }) => before)])
  const stateDirectory = join(states, app.id)
  return {
    app: app.id,
    offsets: await offsetsAt(log, [...new Set(subtopologies.flatMap(({ sourceTopics }) => sourceTopics))], to),
    internalTopics: existing.filter((topic) => own.has(topic)),
    otherTopics: existing.filter((topic) => !own.has(topic) && looksInternal(topic, app.id)),
    stateDirectory: existsSync(stateDirectory) ? stateDirectory : undefined,
    marker: markerOf(app, states),
  }
}

/**
 * Deletes everything that the application remembers. Its output in other topics stays. A reset that is interrupted
 * leaves a marker, by which `mustFinishReset` knows that it must be repeated.
 *
 * @throws MR_GROUP_ACTIVE if an instance was started meanwhile
 */
export async function carryOutReset(plan: ResetPlan, log: Log): Promise<void> {
  const { app, marker, stateDirectory } = plan
  const members = await log.groupMembers(app)
  if (members.length > 0) throw groupActive(app, members)
  mkdirSync(join(marker, '..'), { recursive: true, mode: DIRECTORY_MODES.owner })
  writeFileSync(marker, '', { flush: true, mode: FILE_MODES.owner })
  if (stateDirectory !== undefined) rmSync(stateDirectory, { recursive: true, force: true })
  await log.deleteGroup(app)
  await log.deleteTopics(plan.internalTopics)
  await log.commitOffsets(app, plan.offsets)
  rmSync(marker)
}

/** True if a reset was interrupted: part of the state is gone. */
export function mustFinishReset(app: Application, states: string): boolean {
  return existsSync(markerOf(app, states))
}

/** Returns the marker's path: beside the states, where no application takes it for its own. */
function markerOf(app: Application, states: string): string {
  return join(states, '..', `${app.id}.start-over`)
}

async function offsetsAt(log: Log, topics: readonly string[], at: OffsetSpec): Promise<PartitionMap<CommittedOffset>> {
  const described = await log.describeTopics(topics)
  const partitions = topics.flatMap((topic) => {
    const description = described.get(topic)
    if (description === undefined) throw missingSource(topic)
    return Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
  })
  const offsets = new PartitionMap<CommittedOffset>()
  for (const [topic, partition, offset] of (await log.listOffsets(partitions, at)).entries()) {
    offsets.set(topic, partition, { offset, metadata: '' })
  }
  return offsets
}

/** Recognizes internal topics by name, as Kafka's tool does. Another application's name may begin like this one's. */
function looksInternal(topic: string, app: string): boolean {
  return topic.startsWith(`${app}-`) && hasInternalName(topic)
}

function missingSource(topic: string): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', `the source topic "${topic}" does not exist`, {
    topic,
    hint: 'Create it, or correct its name in the application.',
  })
}
