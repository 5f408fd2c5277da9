import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import { append, committedRecords } from '../log/log-harness.ts'
import type { Log } from '../../src/log/log.ts'
import { startBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'
import { selfSigned } from './broker/self-signed.ts'

async function roundTrip(log: Log): Promise<unknown> {
  await log.createTopics([{ name: 'secured', partitions: 1 }])
  const producer = log.openProducer()
  append(producer, 'secured', 0, 'key', 'value')
  await producer.flush()
  await producer.close()
  return committedRecords(log, 'secured', 0)
}

describe('a broker behind TLS', () => {
  it('is used when its certificate is trusted, and refused when it is not', async () => {
    const { ca, config } = selfSigned()
    const port = await freePort()
    const broker = await startBroker({ listener: { protocol: 'SSL', port }, config })
    const log = kafka({ brokers: `localhost:${port}`, tls: { ca } })
    expect(await roundTrip(log)).toMatchObject([{ key: 'key', value: 'value' }])
    await log.close()
    const distrustful = kafka({ brokers: `localhost:${port}`, tls: true, apiTimeout: 200 })
    await expect(async () => distrustful.describeTopics(['secured'])).rejects.toMatchObject({
      code: 'MR_LOG_UNREACHABLE',
      message: expect.stringContaining('self-signed certificate'),
    })
    await distrustful.close()
    const plain = kafka({ brokers: `localhost:${port}`, apiTimeout: 200 })
    await expect(async () => plain.describeTopics(['secured'])).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE' })
    await plain.close()
    await broker.stop()
  })

  it('is used with a name and a password over TLS; wrong ones differ from a distrusted certificate', async () => {
    const { ca, config } = selfSigned()
    const port = await freePort()
    const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_paula="open-sesame";'
    const broker = await startBroker({
      listener: { protocol: 'SASL_SSL', port },
      config: {
        ...config,
        'sasl.enabled.mechanisms': 'PLAIN',
        'listener.name.extra.plain.sasl.jaas.config': login,
      },
    })
    const brokers = `localhost:${port}`
    const sasl = { mechanism: 'PLAIN', username: 'paula', password: 'open-sesame' } as const
    const log = kafka({ brokers, tls: { ca }, sasl })
    expect(await roundTrip(log)).toMatchObject([{ key: 'key', value: 'value' }])
    await log.close()
    const wrong = kafka({ brokers, tls: { ca }, sasl: { ...sasl, password: 'open-barley' }, apiTimeout: 200 })
    const asking = async (): Promise<unknown> => wrong.describeTopics(['secured'])
    const refused = await asking().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'MR_AUTHENTICATION' })
    expect(inspect(refused, { depth: 10 })).not.toContain('open-barley')
    await wrong.close()
    const distrustful = kafka({ brokers, tls: true, sasl, apiTimeout: 200 })
    await expect(async () => distrustful.describeTopics(['secured'])).rejects.toMatchObject({
      code: 'MR_LOG_UNREACHABLE',
      message: expect.stringContaining('self-signed certificate'),
    })
    await distrustful.close()
    await broker.stop()
  })
})
