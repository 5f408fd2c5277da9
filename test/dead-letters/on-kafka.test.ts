import { replayDeadLetters } from 'millrace'
import { kafka } from 'millrace/kafka'
import { expect, test } from 'vitest'
import { append, clientOptions } from '../log/log-harness.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { addLetter, createTopics, originHeaders, recordsIn } from './letters.ts'
import { paymentsApp } from './payments-app.ts'
import { describeDeadLetters } from './suite.ts'

describeDeadLetters('Kafka', async () => kafka({ brokers: await sharedBroker() }), uniqueName)

test('a mark behind an open transaction is waited for, not overlooked', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  const { app, payments, rejected } = paymentsApp(`${uniqueName('hidden')}-`)
  await createTopics(log, [payments, rejected], 1)
  const id = await addLetter(log, rejected, originHeaders(payments, 0, 0))
  // A transaction of somebody else begins after the first replay has looked for marks, and before it writes its own.
  const other = await log.openClient(clientOptions(uniqueName('other'), 1, []))
  await other.producer.loadPartitionCount(rejected)
  const openClient = log.openClient.bind(log)
  log.openClient = async (options) => {
    const client = await openClient(options)
    const commit = client.commit.bind(client)
    client.commit = async (offsets) => {
      append(other.producer, rejected, 0, 'k', 'v')
      await other.producer.flush()
      return commit(offsets)
    }
    return client
  }
  await replayDeadLetters(app, log, [id])
  log.openClient = openClient

  const second = replayDeadLetters(app, log, [id]).catch((error: unknown) => error)
  // Readers see nothing of the mark before that transaction has ended.
  expect(await Promise.race([second, recordsIn(log, payments)])).toHaveLength(1)
  await other.abort()
  expect(await second).toMatchObject({ code: 'MR_DEAD_LETTER_REPLAYED' })
  expect(await recordsIn(log, payments)).toHaveLength(1)
  await other.close()
  await log.close()
})
