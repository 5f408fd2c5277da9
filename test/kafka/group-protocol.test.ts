import { joinGroupV7 } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from '../../src/kafka/cluster.ts'
import { clusterOptions } from '../../src/kafka/connection-options.ts'
import { kafka } from '../../src/kafka/index.ts'
import type { Log } from '../../src/log/log.ts'
import { Member, clientOptions, committedRecords, append, settle, subtopology } from '../log/log-harness.ts'
import { sharedBroker, startBroker, uniqueName } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'

async function failure(log: Log, group: string, input: string): Promise<unknown> {
  const options = clientOptions(group, 1, [subtopology(0, [input])], { guarantee: 'at_least_once' })
  const member = new Member(await log.openClient(options))
  await member.client.group.join()
  await settle('the refusal', [member], () => member.told.length > 0)
  await member.client.close()
  const [told] = member.told
  return told?.type === 'failed' ? told.error : told
}

describe('a group in use by a consumer of the classic protocol', () => {
  it('is refused, saying so', async () => {
    const brokers = await sharedBroker()
    const cluster = new Cluster(clusterOptions({ brokers }))
    const group = uniqueName('classic')
    const coordinator = await cluster.retrying({ what: 'finding' }, () => cluster.coordinator('group', group))
    const enter = (memberId: string) =>
      cluster.send(coordinator, 'group', joinGroupV7.api, group, 10_000, 10_000, memberId, null, 'consumer', [
        { name: 'range' },
      ])
    const { memberId } = await enter('')
    await enter(memberId)
    const log = kafka({ brokers })
    expect(await failure(log, group, 'any')).toMatchObject({ code: 'MR_GROUP_PROTOCOL', hint: expect.any(String) })
    await log.close()
    await cluster.close()
  })
})

describe('a broker of Kafka 3.9', () => {
  let broker: PrivateBroker
  let log: Log

  beforeAll(async () => {
    broker = await startBroker({ version: '3.9.1' })
    log = kafka({ brokers: broker.brokers })
  })

  afterAll(async () => {
    await log.close()
    await broker.stop()
  })

  it('has no streams groups, which the error says with what to do', async () => {
    expect(await failure(log, 'any-group', 'any')).toMatchObject({
      code: 'MR_GROUP_PROTOCOL',
      hint: expect.stringContaining('4.2'),
    })
  })

  it('takes and gives records all the same', async () => {
    await log.createTopics([{ name: 'plain', partitions: 1, configs: { 'retention.ms': '60000' } }])
    const producer = log.openProducer()
    append(producer, 'plain', 0, 'key', 'value')
    await producer.flush()
    await producer.close()
    expect(await committedRecords(log, 'plain', 0)).toMatchObject([{ offset: 0, key: 'key', value: 'value' }])
  })
})
