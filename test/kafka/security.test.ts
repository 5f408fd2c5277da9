import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import { append, committedRecords } from '../log/log-harness.ts'
import type { Log } from '../../src/log/log.ts'
import { startBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'

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
    const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, ...subject],
      {
        stdio: 'ignore',
      },
    )
    const ca = readFileSync(certificate, 'utf8')
    const port = await freePort()
    const broker = await startBroker({
      listener: { protocol: 'SSL', port },
      config: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': ca,
        'ssl.keystore.key': readFileSync(key, 'utf8'),
      },
    })
    rmSync(directory, { recursive: true })
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
})
