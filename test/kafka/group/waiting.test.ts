import { expect, test } from 'vitest'
import { WaitingReasons } from '../../../src/kafka/group/streams/waiting.ts'
import { groupStatus } from '../../../src/kafka/protocol/streams-group-types.ts'

const missing = 'Internal topics are missing: app-a-changelog, app-b-changelog'

/** Returns what is reported after a coordinator has said for `after` ms that internal topics are missing. */
function reported(detail: string, after: number): string | undefined {
  const status = [{ code: groupStatus.missingInternalTopics, detail }]
  const reasons = new WaitingReasons()
  reasons.next(status, 0)
  return reasons.next(status, after)?.code
}

test('internal topics that cannot be created are reported soon', () => {
  const detail =
    `${missing}; Creation failed: ` + 'app-a-changelog (Replication factor: 3 larger than available brokers: 1.).'
  expect(reported(detail, 1000)).toBe('MR_INTERNAL_TOPIC')
})

test('a coordinator that tried to create an internal topic twice gets time to see the first one', () => {
  const detail =
    `${missing}; Creation failed: app-a-changelog (Topic 'app-a-changelog' already exists.), ` +
    "app-b-changelog (Topic 'app-b-changelog' already exists.)."
  expect(reported(detail, 4000)).toBeUndefined()
  expect(reported(detail, 6000)).toBe('MR_INTERNAL_TOPIC')
})

test('one that exists already does not hide another that cannot be created', () => {
  const detail =
    `${missing}; Creation failed: app-a-changelog (Topic 'app-a-changelog' already exists.), ` +
    'app-b-changelog (denied).'
  expect(reported(detail, 1000)).toBe('MR_INTERNAL_TOPIC')
})
