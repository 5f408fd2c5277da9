import { MillraceError } from '../errors/millrace-error.ts'
import { knownTopic } from '../log/known-topics.ts'
import type { Log } from '../log/log.ts'
import { groupOf, specsOf, type Connectors } from './define-connectors.ts'
import { positionsTopic } from './thread/positions.ts'

/**
 * Creates the topics of positions, and those that sources are to create. Everything else has to exist.
 *
 * @throws MR_TOPIC_UNKNOWN; MR_CONNECTOR_TASKS for a source that had another number of tasks before
 */
export async function prepareTopics(definition: Connectors, log: Log): Promise<void> {
  const needed = new Set(definition.deadLetterTopic === undefined ? [] : [definition.deadLetterTopic])
  for (const spec of specsOf(definition)) {
    if (spec.kind === 'sink') for (const { name } of spec.topics) needed.add(name)
    else {
      needed.add(spec.topic.name)
      const positions = positionsTopic(groupOf(definition, spec.name), spec.tasks)
      const { topicOptions } = spec
      await log.createTopics([
        positions,
        ...(topicOptions === undefined ? [] : [{ name: spec.topic.name, ...topicOptions }]),
      ])
      const { partitions } = await knownTopic(log, positions.name)
      if (partitions !== spec.tasks) throw otherTasks(spec.name, spec.tasks, positions.name, partitions)
    }
  }
  for (const name of needed) await knownTopic(log, name)
}

function otherTasks(connector: string, tasks: number, topic: string, before: number): MillraceError {
  return new MillraceError(
    'MR_CONNECTOR_TASKS',
    `connector "${connector}" is to have ${tasks} tasks, and its positions are kept for ${before}`,
    { topic, hint: `Give it tasks: ${before}, or another name: then it begins at its start.` },
  )
}
