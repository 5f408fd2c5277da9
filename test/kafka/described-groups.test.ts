import { Consumer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resetGroupOffsets } from '../../src/admin/reset-group-offsets.ts'
import { kafka } from '../../src/kafka/index.ts'
import { clientOptions, Member, settle, subtopology, until } from '../log/log-harness.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

let brokers: string
let log: ReturnType<typeof kafka>
beforeAll(async () => {
  brokers = await sharedBroker()
  log = kafka({ brokers, groupProtocol: 'classic' })
})
afterAll(async () => {
  await log.close()
})

async function newTopic(): Promise<string> {
  const name = uniqueName('described')
  await log.createTopics([{ name, partitions: 2 }])
  return name
}

/** Waits until the group is stable, and expects the list to say what the description says. */
async function stable(id: string) {
  const described = await until('a stable group', async () => {
    const found = await log.describeGroup(id)
    return found?.state === 'Stable' && found.members.every(({ partitions }) => partitions.length > 0)
      ? found
      : undefined
  })
  const { type, protocol } = described
  expect((await log.listGroups()).find((each) => each.id === id)).toEqual({ id, type, protocol, state: 'Stable' })
  return described
}

describe('groups of other clients on Kafka are listed and described, with the partitions of their members', () => {
  test.each(['classic', 'consumer'] as const)('consumers of the %s protocol', async (groupProtocol) => {
    const [topic, id] = [await newTopic(), uniqueName(groupProtocol)]
    const options = { groupId: id, clientId: 'reader', bootstrapBrokers: brokers.split(','), groupProtocol }
    const consumer = new Consumer(options)
    try {
      const stream = await consumer.consume({ topics: [topic] })
      stream.on('data', () => {})
      expect(await stable(id)).toEqual({
        id,
        type: groupProtocol,
        protocol: 'consumer',
        state: 'Stable',
        members: [
          {
            memberId: expect.any(String),
            instanceId: undefined,
            clientId: 'reader',
            host: '127.0.0.1',
            partitions: [0, 1].map((partition) => ({ topic, partition })),
          },
        ],
      })
      await expect(log.deleteGroup(id)).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
      const resetting = resetGroupOffsets(log, id, { to: 'latest', topics: [topic], dryRun: true })
      await expect(resetting).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
    } finally {
      await consumer.close(true)
    }
    await until('an empty group', async () => ((await log.describeGroup(id))?.members.length ?? 0) === 0 || undefined)
    await log.deleteGroup(id)
    expect(await log.describeGroup(id)).toBeUndefined()
  })

  test('members of Millrace by the classic protocol, and by the streams protocol', async () => {
    for (const type of ['classic', 'streams'] as const) {
      const own = kafka({ brokers, groupProtocol: type })
      const [topic, id] = [await newTopic(), uniqueName(type)]
      const member = new Member(await own.openClient(clientOptions(id, 1, [subtopology(0, [topic])])))
      await member.client.group.join()
      await settle('the tasks', [member], () => member.active.length === 2)
      const { type: found, protocol, members } = await stable(id)
      expect([found, protocol]).toEqual([type, type === 'classic' ? 'consumer' : 'streams'])
      expect(members.map(({ partitions }) => partitions)).toEqual([[0, 1].map((partition) => ({ topic, partition }))])
      await own.close()
    }
  })
})
