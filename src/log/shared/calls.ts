import type { LogAdmin } from '../admin.ts'
import type { Log } from '../log.ts'

/** The methods of a log that are a question and an answer, and nothing that stays open. */
export type CallName = keyof LogAdmin | 'describeTopics' | 'createTopics' | 'listOffsets' | 'deleteRecords'

/**
 * The methods that go through to whoever holds the log. After a lost answer a call is made again: each of them does
 * nothing more when it is repeated. `createPartitions` is refused then, which `SharedLog` takes for done.
 */
const CALLS: Readonly<Record<CallName, true>> = {
  describeTopics: true,
  createTopics: true,
  listOffsets: true,
  deleteRecords: true,
  listTopics: true,
  deleteTopics: true,
  createPartitions: true,
  describePartitions: true,
  topicConfigs: true,
  alterTopicConfigs: true,
  listGroups: true,
  describeGroup: true,
  groupMembers: true,
  groupInstances: true,
  committedOffsets: true,
  deleteOffsets: true,
  deleteGroup: true,
  commitOffsets: true,
}

export const CALL_NAMES = Object.keys(CALLS) as readonly CallName[]

/** The same methods over something else. */
export type Calls = Pick<Log, CallName>

export function isCallName(name: unknown): name is CallName {
  return typeof name === 'string' && Object.hasOwn(CALLS, name)
}
