import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ask } from '../cli/ask.ts'
import { CliProcess, fixture, type CliResult } from '../cli/cli-process.ts'
import { startBroker, type PrivateBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'
import { selfSigned } from './broker/self-signed.ts'
import { kafkaTool } from './other-tools.ts'

const SECRET = 'hunter2-is-a-secret'
let directory: string
let brokers: string
let broker: PrivateBroker
/** How to log in, by options and by a file of Kafka's tools. */
let options: string[]
let properties: string

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

/** A broker that asks for a certificate, a name and a password. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-secured-'))
  vi.stubEnv('TEST_PREFIX', '')
  const { ca, key, config } = selfSigned()
  const port = await freePort()
  const login = (rest: string): string => `org.apache.kafka.common.security.plain.PlainLoginModule required ${rest};`
  broker = await startBroker({
    listener: { protocol: 'SASL_SSL', port },
    config: {
      ...config,
      'listener.name.extra.ssl.client.auth': 'required',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': ca,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.extra.plain.sasl.jaas.config': login(`user_paula="${SECRET}"`),
    },
  })
  brokers = `localhost:${port}`
  const [cert, keyFile, password] = [file('cert.pem', ca), file('key.pem', key), file('password', `${SECRET}\n`)]
  const sasl = ['--kafka-sasl', 'PLAIN', '--kafka-user', 'paula', '--kafka-password-file', password]
  options = ['--kafka', brokers, '--kafka-ca', cert, '--kafka-cert', cert, '--kafka-key', keyFile, ...sasl]
  properties = file(
    'client.properties',
    [
      'security.protocol=SASL_SSL',
      'sasl.mechanism=PLAIN',
      `sasl.jaas.config=${login(`username="paula" password="${SECRET}"`)}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${cert}`,
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${file('keystore.pem', `${key}${ca}`)}`,
    ].join('\n'),
  )
})

afterAll(async () => {
  await broker.stop()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

async function done(args: readonly string[], access: readonly string[] = options): Promise<CliResult> {
  const result = await ask(...args, ...access)
  expect(result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
  expect(result.stdout + result.stderr).not.toContain(SECRET)
  return result
}

test('every command logs in by its options, and by the file that logs in the tools of Kafka', async () => {
  const byFile = ['--bootstrap-server', brokers, '--command-config', properties]
  for (const topic of ['numbers', 'doubled']) await done(['topics', 'create', topic])
  await done(['topics', 'alter', 'numbers', '--partitions', '2'])
  expect((await done(['topics', 'list'])).stdout).toBe('doubled\nnumbers\n')
  expect((await done(['topics', '--describe', '--topic', 'numbers'], byFile)).stdout).toContain('PartitionCount: 2')
  const java = await kafkaTool('kafka-topics', ['--describe', '--topic', 'numbers', ...byFile])
  expect(java.toString()).toContain('PartitionCount: 2')

  const lines = file('lines', 'one:1\ntwo:2\n')
  await done(['produce', 'numbers', lines, '--key-separator', ':', '--value', 'long'])
  const app = fixture('numbers.ts')
  const data = ['--data', join(directory, 'data')]
  const run = new CliProcess(['run', app, ...options, ...data, '--log-format', 'json'])
  await run.stderrMatches(/"processed":2\b/)
  run.signal('SIGINT')
  expect(await run.result()).toMatchObject({ code: 0, stderr: expect.not.stringContaining(SECRET) })
  const read = ['consume', 'doubled', '-e', '--print-key', '--value', 'long', '--group', 'readers']
  expect((await done(read)).stdout.trim().split('\n').sort()).toEqual(['one\t2', 'two\t4'])

  expect((await done(['groups', 'list'])).stdout.split('\n')).toEqual(['doubler', 'readers', ''])
  const described = await done(['groups', '--describe', '--group', 'readers'], byFile)
  expect(described.stdout).toMatch(/^readers +doubled +0 +2 +2 +0 /m)
  await done(['groups', 'reset-offsets', 'readers', '--all-topics', '--to-earliest', '--execute'])
  await done(['groups', 'delete', 'readers', '--yes'])
  await done(['dead-letters', 'ls', app, '--topic', 'doubled', ...data])
  await done(['reset', app, '--yes', ...data])
  await done(['topics', 'delete', 'numbers', 'doubled', '--yes'], ['--kafka', brokers, '--kafka-config', properties])
  expect((await done(['topics', 'list'])).stdout).not.toContain('numbers')
})

test('who has no right certificate or password is refused in one line, without a secret', async () => {
  const wrong = file('wrong', 'open-barley')
  const swapped = (name: string, value: string): string[] =>
    options.map((each, at) => (options[at - 1] === name ? value : each))
  const without = (...names: readonly string[]): string[] =>
    options.filter((each, at) => !names.includes(each) && !names.includes(options[at - 1] ?? ''))
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['MR_AUTHENTICATION', 'a wrong password', swapped('--kafka-password-file', wrong)],
    ['MR_CLI_SECRET', 'no file of the password', swapped('--kafka-password-file', join(directory, 'nowhere'))],
    [
      'MR_LOG_CERTIFICATE',
      'a broker that is not trusted',
      [...without('--kafka-ca', '--kafka-cert', '--kafka-key'), '--kafka-tls'],
    ],
    ['MR_LOG_UNREACHABLE', 'no certificate', without('--kafka-cert', '--kafka-key')],
    ['MR_LOG_UNREACHABLE', 'no TLS', ['--kafka', brokers]],
  ]
  const found = await Promise.all(
    cases.map(async ([code, what, access]) => {
      const { code: exit, stdout, stderr } = await new CliProcess(['topics', 'list', ...access]).result()
      expect({ what, exit, stdout, stderr }).toEqual({
        what,
        exit: 1,
        stdout: '',
        stderr: expect.stringMatching(new RegExp(`^error ${code}: .*\n(?: {2}.*\n)* {2}hint: [A-Z]`)),
      })
      return stderr
    }),
  )
  for (const secret of [SECRET, 'open-barley']) expect(found.join()).not.toContain(secret)
})
