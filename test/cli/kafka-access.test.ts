import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { kafkaOptions, type KafkaAccess } from '../../src/cli/kafka-access.ts'
import { ask } from './ask.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-access-'))
const kafka = ['broker:9093']
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

function optionsOf(access: KafkaAccess): unknown {
  return kafkaOptions({ kafka, ...access })
}

describe('the options by which a command logs in at Kafka', () => {
  test('say nothing if none is given', () => {
    expect(optionsOf({})).toEqual({ brokers: kafka })
    expect(kafkaOptions({})).toBeUndefined()
  })

  test('take authorities, certificate and key from files, and use TLS then', () => {
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => file(name, `the ${name}`))
    expect(optionsOf({ kafkaTls: true })).toEqual({ brokers: kafka, tls: true })
    expect(optionsOf({ kafkaCa: ca! })).toEqual({ brokers: kafka, tls: { ca: 'the ca' } })
    const tls = { ca: 'the ca', cert: 'the cert', key: 'the key' }
    expect(optionsOf({ kafkaCa: ca!, kafkaCert: cert!, kafkaKey: key! })).toEqual({ brokers: kafka, tls })
  })

  test('take the password from a file, without the end of its line, or from the environment', () => {
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'paula', password: 'open sesame' }
    const access = { kafkaSasl: 'SCRAM-SHA-512', kafkaUser: 'paula' } as const
    const password = file('password', 'open sesame\n')
    expect(optionsOf({ ...access, kafkaPasswordFile: password })).toMatchObject({ sasl })
    vi.stubEnv('MILLRACE_KAFKA_PASSWORD', 'open sesame')
    expect(optionsOf(access)).toMatchObject({ sasl })
  })

  test('read the file of a token again at each login, as tokens expire', () => {
    const token = file('token', 'first\n')
    const { token: read } = kafkaOptions({ kafka, kafkaSasl: 'OAUTHBEARER', kafkaTokenFile: token })!.sasl!
    expect((read as () => string)()).toBe('first')
    file('token', 'second\n')
    expect((read as () => string)()).toBe('second')
    vi.stubEnv('MILLRACE_KAFKA_TOKEN', 'third')
    expect(optionsOf({ kafkaSasl: 'OAUTHBEARER' })).toMatchObject({ sasl: { token: 'third' } })
  })

  test("take the file of properties that Kafka's tools take, and win over it", () => {
    const ca = file('truststore.pem', 'the authorities')
    const properties = file(
      'client.properties',
      [
        '# as for kafka-topics.sh --command-config',
        'security.protocol = SASL_SSL',
        'sasl.mechanism=PLAIN',
        'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\',
        '  username="paula" password="open \\\\"sesame";',
        'ssl.truststore.type=PEM',
        `ssl.truststore.location=${ca}`,
        'client.id: shop',
      ].join('\n'),
    )
    const sasl = { mechanism: 'PLAIN', username: 'paula', password: 'open "sesame' }
    expect(optionsOf({ kafkaConfig: properties })).toEqual({ brokers: kafka, tls: { ca: 'the authorities' }, sasl })
    const own = { ...sasl, mechanism: 'SCRAM-SHA-256', username: 'peter' }
    const password = file('password', 'open "sesame')
    const access = { kafkaSasl: 'SCRAM-SHA-256', kafkaUser: 'peter', kafkaPasswordFile: password } as const
    expect(optionsOf({ kafkaConfig: properties, ...access })).toMatchObject({ sasl: own })
  })
})

describe('what cannot be used to log in is an error that shows no secret', () => {
  const secret = 'open-sesame'
  test.each([
    ['no brokers', { kafkaTls: true, none: true }, 'MR_CLI_USAGE', '--kafka-tls'],
    ['a certificate alone', { kafkaCert: 'cert.pem' }, 'MR_CLI_USAGE', '--kafka-key'],
    ['a name without a mechanism', { kafkaUser: 'paula' }, 'MR_CLI_USAGE', '--kafka-sasl'],
    ['a mechanism without a name', { kafkaSasl: 'PLAIN' as const }, 'MR_CLI_USAGE', '--kafka-user'],
    ['no password', { kafkaSasl: 'PLAIN' as const, kafkaUser: 'p' }, 'MR_CLI_USAGE', 'MILLRACE_KAFKA_PASSWORD'],
    ['no token', { kafkaSasl: 'OAUTHBEARER' as const }, 'MR_CLI_USAGE', 'MILLRACE_KAFKA_TOKEN'],
    ['a file that is not there', { kafkaCa: join(directory, 'nowhere') }, 'MR_CLI_SECRET', 'nowhere'],
    [
      'an empty file',
      { kafkaSasl: 'PLAIN' as const, kafkaUser: 'p', kafkaPasswordFile: file('empty', '\n') },
      'MR_CLI_SECRET',
      'empty',
    ],
    [
      'a Java keystore',
      { kafkaConfig: file('jks', `security.protocol=SSL\nssl.keystore.location=a\nssl.keystore.password=${secret}`) },
      'MR_CLI_SECRET',
      'ssl.keystore.password',
    ],
    [
      'Kerberos',
      { kafkaConfig: file('gss', `security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\nsasl.jaas.config=${secret}`) },
      'MR_CLI_SECRET',
      'SCRAM-SHA-512',
    ],
  ])('%s', (_what, access, code, named) => {
    const given = 'none' in access ? { kafkaTls: true } : { kafka, ...access }
    let error: unknown
    try {
      kafkaOptions(given)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/^[A-Z].*[.…]$/) })
    expect(inspect(error, { depth: 10 })).toContain(named)
    expect(inspect(error, { depth: 10 })).not.toContain(secret)
  })

  test.each([
    ['reset', 'app.ts', '--kafka-sasl', 'GUESS'],
    ['query', 'counts', '--kafka-tls'],
  ])('%s ends with exit code 2', async (...args) => {
    const { code, stderr } = await ask(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^error MR_CLI_USAGE: .*--kafka/)
  })
})
