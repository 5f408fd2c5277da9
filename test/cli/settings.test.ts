import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import type { RunSettings } from 'millrace'
import { createProgram } from '../../src/cli/program.ts'
import { flagOf, variableOf, type CommandOption } from '../../src/cli/settings/command-option.ts'
import { SETTINGS } from '../../src/cli/settings/run-settings.ts'
import { ask } from './ask.ts'
import { fixture } from './cli-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-settings-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

interface Shown {
  readonly name: string
  readonly value: unknown
  readonly source: string
  readonly origin: string
}

async function printed(app: string, ...args: readonly string[]): Promise<ReadonlyMap<string, Shown>> {
  const { code, stdout, stderr } = await ask('run', resolve(fixture('.'), app), '--print-config', '--json', ...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { settings }: { readonly settings: readonly Shown[] } = JSON.parse(stdout)
  return new Map(settings.map((each) => [each.name, each]))
}

/** A value of each setting, as a flag or an environment variable has it. */
const EXAMPLES: Readonly<Record<keyof typeof SETTINGS, string>> = {
  kafka: 'one:9092,two:9092',
  kafkaConfig: 'client.properties',
  kafkaTls: 'true',
  kafkaCa: 'ca.pem',
  kafkaCert: 'cert.pem',
  kafkaKey: 'key.pem',
  kafkaKeyPassphrase: 'secret',
  kafkaKeyPassphraseFile: 'passphrase',
  kafkaSasl: 'SCRAM-SHA-512',
  kafkaUser: 'paula',
  kafkaPassword: 'secret',
  kafkaPasswordFile: 'password',
  kafkaToken: 'secret',
  kafkaTokenFile: 'token',
  clientId: 'shop',
  connectTimeout: '3s',
  requestTimeout: '4000',
  apiTimeout: '1m',
  compression: 'gzip',
  maxRequestSize: '4MiB',
  maxBatchBytes: '1000000',
  retryBackoff: '10ms',
  retryBackoffMax: '2s',
  groupProtocol: 'classic',
  sessionTimeout: '30s',
  heartbeatInterval: '2s',
  transactionTimeout: '20s',
  data: 'var',
  stateDirectory: 'var/state',
  guarantee: 'exactly_once',
  commitInterval: '250ms',
  memory: '64MiB',
  cacheBytes: '0',
  maxTaskIdle: '-1',
  idleAfter: '1h',
  bufferedRecordsPerPartition: '10',
  threads: '4',
  taskTimeout: '1m',
  standbyReplicas: '1',
  replicationFactor: '-1',
  topicConfigs: 'cleanup.policy=compact,delete,min.insync.replicas=2',
  windowStoreChangelogAdditionalRetention: '2d',
  onDeserializationError: 'continue',
  onProcessingError: 'fail',
  onProductionError: 'continue',
  deadLetterTopic: 'rejected',
  onUncaughtError: 'replaceThread',
  logValues: 'true',
  engine: 'level',
  fileMode: 'group',
  fsync: 'false',
  attach: 'false',
  instanceId: 'pod-0',
  stateCleanupDelay: '1h',
  readyLag: '100',
  http: '0.0.0.0:8080',
  advertise: 'pod-0.app:8080',
  peerToken: 'a secret of sixteen characters',
  peerTokenFile: 'peers',
  peerCa: 'ca.pem',
  peerCert: 'cert.pem',
  peerKey: 'key.pem',
  httpCert: 'cert.pem',
  httpKey: 'key.pem',
  httpToken: 'a secret of sixteen characters',
  httpTokenFile: 'tokens',
  httpDeadLetters: 'letters',
  httpWrite: 'words,names',
  httpHosts: 'streams.example.com',
  httpCors: 'https://board.example.com,http://localhost:3000',
  for: '10s',
  drain: '5s',
  closeTimeout: '30s',
  acceptLoss: 'true',
  fromBeginning: 'true',
  logFormat: 'json',
  logLevel: 'warn',
}

const rows = Object.entries<CommandOption>(SETTINGS).map(([name, row]) => {
  return { name, row, text: EXAMPLES[name as keyof typeof SETTINGS] }
})
const lasting = rows.filter(({ row }) => row.once !== true)
/** Settings that exclude others: of a secret and its file, the secret. */
const alone = lasting.filter(
  ({ name }) => !Object.hasOwn(SETTINGS, name.replace(/File$/, '')) || !name.endsWith('File'),
)

/** Settings that a module may give as `export const options`: all but secrets, and what is done once. */
type OfModule = Exclude<
  keyof typeof SETTINGS,
  'acceptLoss' | 'for' | 'fromBeginning' | `${'http' | 'kafka' | 'peer'}${'Token' | 'Password' | 'KeyPassphrase'}`
>

/** Returns what is meant by a text as JSON has it. */
function plainOf(text: string): unknown {
  return /^(?:true|false|-?\d+)$/.test(text) ? JSON.parse(text) : text
}

describe('each setting has the same name everywhere', () => {
  test('as an option of a module', async () => {
    expectTypeOf<OfModule>().toEqualTypeOf<Exclude<keyof RunSettings, 'companions' | 'onRestore' | 'onState'>>()
    const plain = lasting.filter(({ row }) => row.secret !== true)
    const options = Object.fromEntries(plain.map(({ name, text }) => [name, plainOf(text)]))
    const app = JSON.stringify(fixture('words.ts'))
    const module = `export { default } from ${app}\nexport const options = ${JSON.stringify(options)}\n`
    const path = file('all.ts', module)
    const shown = await printed(path)
    for (const { name } of plain) expect(shown.get(name)).toMatchObject({ value: options[name], source: 'module' })
  })

  test('as an environment variable', async () => {
    for (const { name, text } of alone) vi.stubEnv(variableOf(name), text)
    const shown = await printed('words.ts')
    for (const { name, row, text } of alone) {
      const value = row.secret === true ? '****' : text
      expect(shown.get(name)).toEqual({ name, value, source: 'environment', origin: variableOf(name) })
    }
  })

  test('as a key of a file', async () => {
    const inFile = lasting.filter(({ row }) => row.secret !== true)
    const lines = inFile.map(({ name, text }) => `${name}: ${JSON.stringify(plainOf(text))}`)
    const path = file('all.yaml', `# of the shop\n${lines.join('\n')}\n`)
    const shown = await printed('words.ts', '--config', path)
    for (const [index, { name }] of inFile.entries()) {
      expect(shown.get(name)).toMatchObject({ source: 'file', origin: `${path}:${index + 2}` })
    }
  })

  test('as a flag, but for secrets, which no command line may show', () => {
    const run = createProgram([]).commands.find((command) => command.name() === 'run')!
    const flags = new Set(run.options.map((each) => each.long))
    for (const { name, row } of rows) expect([name, flags.has(flagOf(name))]).toEqual([name, row.secret !== true])
  })
})

describe('millrace run --print-config', () => {
  test('shows each value and its place: flags before environment before file before module', async () => {
    const path = file('shop.yaml', 'drain: 1s\nclientId: of-the-file\nguarantee: at_least_once\nhttp: 8080\n')
    vi.stubEnv('MILLRACE_CLIENT_ID', 'of-the-environment')
    vi.stubEnv('MILLRACE_COMMIT_INTERVAL', '1s')
    vi.stubEnv('MILLRACE_HTTP', '')
    const shown = await printed('settled.ts', '--config', path, '--commit-interval', '2s', '--no-fsync')
    const of = (name: string) => [shown.get(name)?.value, shown.get(name)?.origin]
    const app = fixture('settled.ts')
    expect(of('commitInterval')).toEqual([2000, '--commit-interval'])
    expect(of('fsync')).toEqual([false, '--no-fsync'])
    expect(of('clientId')).toEqual(['of-the-environment', 'MILLRACE_CLIENT_ID'])
    expect(of('drain')).toEqual(['1s', `${path}:1`])
    expect(of('guarantee')).toEqual(['at_least_once', `${path}:3`])
    expect(of('http')).toEqual([8080, `${path}:4`])
    expect(of('threads')).toEqual([3, `options of ${app}`])
    expect(of('requestTimeout')).toEqual(['9s', `log of ${app}`])
    expect(of('kafka')).toEqual(['broker.invalid:9092', `log of ${app}`])
    expect(of('taskTimeout')).toEqual(['2m', `defineApp() of ${app}`])
    expect(of('kafkaPassword')).toEqual(['****', `log of ${app}`])
    expect(of('closeTimeout')).toEqual([25_000, 'default'])
    expect(of('instanceId')).toEqual([null, 'default'])
  })

  test('as text, it is a table that shows no secret', async () => {
    vi.stubEnv('MILLRACE_KAFKA_PASSWORD', 'open sesame')
    const args = ['--kafka', 'broker:9092', '--kafka-sasl', 'PLAIN', '--kafka-user', 'paula']
    const { code, stdout, stderr } = await ask('run', fixture('words.ts'), '--print-config', ...args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^setting +value +from$/m)
    expect(stdout).toMatch(/^kafka +broker:9092 +--kafka$/m)
    expect(stdout).toMatch(/^kafkaPassword +\*{4} +MILLRACE_KAFKA_PASSWORD$/m)
    expect(stdout).toMatch(/^commitInterval +100 ms exactly-once, else 30 s +default$/m)
    expect(stdout).not.toContain('sesame')
    expect(stdout).not.toMatch(/httpToken |for /)
  })

  test('YAML and JSON are read alike, with lists and objects', async () => {
    const yaml = file('lists.yaml', 'kafka:\n  - one:9092\n  - two:9092\ntopicConfigs: { min.insync.replicas: 2 }\n')
    const json = file(
      'lists.json',
      '{ "kafka": ["one:9092", "two:9092"], "topicConfigs": { "min.insync.replicas": 2 } }',
    )
    for (const path of [yaml, json]) {
      vi.stubEnv('MILLRACE_CONFIG', path)
      const shown = await printed('words.ts')
      expect(shown.get('kafka')?.value).toEqual(['one:9092', 'two:9092'])
      expect(shown.get('topicConfigs')?.value).toEqual({ 'min.insync.replicas': 2 })
    }
  })
})

/** Expects one line with a code and a hint, and the exit code of what was not understood. */
async function refused(code: string, named: readonly string[], ...args: readonly string[]): Promise<void> {
  const { stderr, ...result } = await ask(...args)
  expect(stderr).toMatch(new RegExp(`^error ${code}: .*\n {2}hint: [A-Z].*\n$`))
  for (const each of named) expect(stderr).toContain(each)
  expect(result).toEqual({ code: 2, stdout: '' })
}

describe('a wrong value is one line that names where it was given', () => {
  const app = fixture('words.ts')

  test.each([
    ['MILLRACE_COMMIT_INTERVAL', '5 parsecs', "'10s'"],
    ['MILLRACE_THREADS', 'many', 'whole number'],
    ['MILLRACE_FSYNC', 'yes', 'true or false'],
    ['MILLRACE_KAFKA', 'broker', 'HOST:PORT'],
    ['MILLRACE_HTTP_WRITE', 'words,a b', 'topic'],
    ['MILLRACE_TOPIC_CONFIGS', 'compact', 'NAME=VALUE'],
    ['MILLRACE_HTTP_CORS', 'https://board.example.com/', 'origin'],
    ['MILLRACE_CONFIG', join(directory, 'nowhere.yaml'), 'nowhere.yaml'],
    ['MILLRACE_ADVERTISE', 'pod:8080', '--http'],
  ])('%s=%s', async (variable, text, named) => {
    vi.stubEnv(variable, text)
    const code = variable === 'MILLRACE_ADVERTISE' ? 'MR_CLI_USAGE' : 'MR_CLI_CONFIG'
    await refused(code, [variable, named], 'run', app, '--print-config')
  })

  test.each([
    ['a value', 'data: var\nthreads: 0\n', ['threads in', ':2', 'whole number']],
    ['a name', '\ncomitInterval: 1s\n', ['comitInterval in', ':2', 'Did you mean commitInterval?']],
    ['the name that Kafka has for it', 'bootstrap.servers: broker:9092\n', [':1', 'Did you mean kafka?']],
    ['a name that is given twice', 'threads: 1\nthreads: 2\n', [':2', 'unique']],
    ['what is no YAML', 'kafka: [broker:9092\n', [':']],
    ['a list', '- threads\n', ['holds no settings']],
    ['a secret', 'kafkaPassword: open sesame\n', [':1', 'kafkaPasswordFile', 'MILLRACE_KAFKA_PASSWORD']],
    ['what is done once', 'fromBeginning: true\n', [':1', 'command line']],
  ])('%s in a file', async (what, text, named) => {
    const path = file(`${what.replaceAll(' ', '-')}.yaml`, text)
    await refused('MR_CLI_CONFIG', [path, ...named], 'run', app, '--print-config', '--config', path)
  })

  test('two settings that contradict each other, one of them of the application', async () => {
    vi.stubEnv('MILLRACE_CACHE_BYTES', '1GiB')
    await refused('MR_CLI_CONFIG', ['MILLRACE_CACHE_BYTES'], 'run', app, '--print-config', '--memory', '64MiB')
  })

  test('a secret and the file of it', async () => {
    vi.stubEnv('MILLRACE_HTTP_TOKEN', 'open sesame, open sesame')
    vi.stubEnv('MILLRACE_HTTP_TOKEN_FILE', 'token')
    const both = ['MILLRACE_HTTP_TOKEN', 'MILLRACE_HTTP_TOKEN_FILE']
    await refused('MR_CLI_CONFIG', both, 'run', app, '--print-config', '--http', '8080')
  })

  test('options that a module exports', async () => {
    const path = file('wrong.ts', "export const options = { commitInterwal: '1s' }\nexport default {}")
    writeFileSync(
      path,
      `export { default } from ${JSON.stringify(app)}\nexport const options = { commitInterwal: 1 }\n`,
    )
    await refused('MR_CLI_CONFIG', ['commitInterwal', 'wrong.ts', 'commitInterval?'], 'run', path, '--print-config')
  })

  test('with MILLRACE_LOG_FORMAT=json it is one line of JSON', async () => {
    vi.stubEnv('MILLRACE_LOG_FORMAT', 'json')
    vi.stubEnv('MILLRACE_THREADS', '0')
    const { code, stderr } = await ask('run', app, '--print-config')
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ level: 'error', code: 'MR_CLI_CONFIG', hint: expect.any(String) })
  })
})

describe('a variable that is no setting', () => {
  const run = ['run', fixture('words.ts'), '--print-config'] as const

  test('is warned of once, with the nearest name', async () => {
    vi.stubEnv('MILLRACE_COMIT_INTERVAL', '1s')
    vi.stubEnv('MILLRACE_FROM_BEGINNING', 'true')
    const { code, stderr } = await ask(...run)
    expect(code).toBe(0)
    expect(stderr.split('\n').filter((line) => line !== '')).toEqual([
      expect.stringMatching(/^warn: MILLRACE_COMIT_INTERVAL .*Did you mean MILLRACE_COMMIT_INTERVAL\?$/),
      expect.stringMatching(/^warn: MILLRACE_FROM_BEGINNING .*--from-beginning stands in the command line alone$/),
    ])
  })

  test('is ignored in silence if Kubernetes sets it for a Service called millrace', async () => {
    for (const name of [
      'SERVICE_HOST',
      'SERVICE_PORT',
      'SERVICE_PORT_HTTP',
      'PORT',
      'PORT_9092_TCP',
      'PORT_9092_TCP_ADDR',
    ])
      vi.stubEnv(`MILLRACE_${name}`, 'tcp://10.0.0.1:9092')
    expect(await ask(...run)).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('other commands reach Kafka by the same settings', () => {
  test.each([
    ['a flag', {}, ['--kafka', '127.0.0.1:1']],
    ['the environment', { MILLRACE_KAFKA: '127.0.0.1:1' }, []],
    ['a file', { MILLRACE_CONFIG: file('kafka.yaml', 'kafka: 127.0.0.1:1\nthreads: 2\n') }, []],
  ])('by %s', async (_what, environment, args) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
    const { code, stderr } = await ask('instances', '--app', 'shop', '--timeout', '100ms', ...args)
    expect(stderr).toMatch(/^error MR_LOG_UNREACHABLE: .*127\.0\.0\.1:1/)
    expect(code).toBe(1)
  })

  test('an instance on this machine is asked without them, whatever the environment says', async () => {
    vi.stubEnv('MILLRACE_KAFKA', '127.0.0.1:1')
    vi.stubEnv('MILLRACE_KAFKA_TLS', 'true')
    const { stderr } = await ask('query', 'counts', '--url', 'http://127.0.0.1:1')
    expect(stderr).toMatch(/^error MR_CLI_UNREACHABLE: /)
  })
})
