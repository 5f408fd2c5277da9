import { MillraceError } from '../../errors/millrace-error.ts'
import type { LogProducer } from '../../log/log.ts'
import { describeRefusal, refusalHint, type AppendOrigin, type Refusal } from '../../log/refusal.ts'
import type { ChangelogSink } from '../../state/states.ts'
import type { Changelog } from '../task/task.ts'

/** Where the changes of a store go. Undefined: nowhere. */
export function changelogSink(
  task: string,
  store: string,
  changelog: Changelog | undefined,
  producer: LogProducer,
): ChangelogSink | undefined {
  if (changelog === undefined || changelog.source) return undefined
  const { topic, partition } = changelog
  const origin: AppendOrigin = {
    refused: (refusal) => {
      throw changelogRefused(task, store, refusal)
    },
  }
  return {
    append(record) {
      producer.append(topic, partition, record, origin)
    },
  }
}

/** No handler is asked: a store without a change in its changelog would have another content after a restart. */
function changelogRefused(task: string, store: string, refusal: Refusal): MillraceError {
  const { topic, partition } = refusal
  const option = "the store's option logging (or topicConfigs) for a topic that is still to be created"
  const where = `topic "${topic}" on the brokers, and of ${option}`
  return new MillraceError('MR_PRODUCE', `the changelog of a store cannot take a row: ${describeRefusal(refusal)}`, {
    task,
    store,
    topic,
    partition,
    hint:
      'Nothing is committed, and the records since the last commit are processed again after a restart. ' +
      refusalHint(refusal, where),
  })
}
