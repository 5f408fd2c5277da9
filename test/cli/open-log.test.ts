import { expect, test, vi } from 'vitest'
import { openLog } from '../../src/cli/open-log.ts'
import { MillraceError } from '../../src/errors/millrace-error.ts'

const kafka = vi.hoisted(() => vi.fn<() => unknown>())
vi.mock('../../src/kafka/index.ts', () => ({ kafka }))

test.each([
  ['MR_LOG_UNREACHABLE', ['orders'], 'no Kafka broker answers at here:9092'],
  ['MR_LOG_UNREACHABLE', [], 'no Kafka broker answers at here:9092'],
  ['MR_AUTHORIZATION', ['orders'], 'what the broker says'],
])('a broker that refuses is not called one that does not answer: %s, asked for %j', async (code, topics, message) => {
  const close = vi.fn<() => void>()
  const refuse = (): Promise<never> => Promise.reject(new MillraceError(code, 'what the broker says'))
  kafka.mockReturnValue({
    close,
    listTopics: refuse,
    describeTopics: (asked: readonly string[]) => (asked.length === 0 ? Promise.resolve(new Map()) : refuse()),
  })
  const opened = openLog({ kafka: ['here:9092'], data: 'unused' }, topics)
  await expect(opened).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  expect(close).toHaveBeenCalledTimes(1)
})
