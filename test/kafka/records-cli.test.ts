import { beforeAll, describe, expect, test } from 'vitest'
import { readTopic } from 'millrace'
import { kafka } from 'millrace/kafka'
import { CliProcess } from '../cli/cli-process.ts'
import { bytesTopic, recordCommandTests, type CommandPlace } from '../cli/records-suite.ts'
import { topicCommandTests } from '../cli/topics-suite.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

let brokers: string

beforeAll(async () => {
  brokers = await sharedBroker()
})

const place: CommandPlace = {
  args: () => ['--kafka', brokers],
  name: uniqueName,
  async withLog(act) {
    const log = kafka({ brokers })
    try {
      return await act(log)
    } finally {
      await log.close()
    }
  },
}

describe('on Kafka', () => {
  recordCommandTests(place)
  topicCommandTests(place)
})

test('a line that is typed is read at once elsewhere; interrupted, both commands end with 0', async () => {
  const name = uniqueName('live')
  await place.withLog(async (log) => log.createTopics([{ name, partitions: 1 }]))
  const consumer = new CliProcess(['consume', name, '--kafka', brokers])
  await consumer.stderrMatches(/^reading /m)
  const producer = new CliProcess(['produce', name, '--kafka', brokers], {}, 'one\n')
  await consumer.stdoutMatches(/^one$/m)
  producer.type('two\nand half of')
  await consumer.stdoutMatches(/^two$/m)
  producer.signal('SIGINT')
  expect(await producer.result()).toMatchObject({ code: 0, stdout: '' })
  consumer.signal('SIGTERM')
  expect(await consumer.result()).toMatchObject({ code: 0, stdout: 'one\ntwo\n' })
  await place.withLog(async (log) => {
    let count = 0
    for await (const _record of readTopic(log, bytesTopic(name), { until: 'end' })) count++
    expect(count).toBe(2)
  })
})
