import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { defineApp, embeddedLog, memoryEngine, memoryLog, Streams, string, topic } from '../../src/index.ts'
import { kafka } from '../../src/kafka/index.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const words = topic('words', { key: string(), value: string() })
const app = defineApp({ id: 'app', build: (builder) => builder.stream(words).to('copies') })

/** Functions that take options, each with the options that it requires. */
const takers: Readonly<Record<string, (options: object) => unknown>> = {
  'defineApp()': (options) => defineApp({ id: 'app', build: () => {}, ...options }),
  'kafka()': (options) => kafka({ brokers: 'localhost:9092', ...options }),
  'embeddedLog()': (options) => embeddedLog({ directory: 'unused', engine: 'memory', ...options }),
  'memoryLog()': (options) => memoryLog(options),
  'Streams.start()': (options) => Streams.start(app, { log: memoryLog(), engine: 'memory', ...options }),
  'new TopologyTestDriver()': (options) => new TopologyTestDriver(app, options),
  'TopologyTestDriver.open()': (options) =>
    TopologyTestDriver.open(app, { engine: memoryEngine, directory: 'unused', ...options }),
  'restart()': (options) => new TopologyTestDriver(app).restart({ keepState: true, ...options }),
  'input()': (options) => new TopologyTestDriver(app).input(words, options),
  'pipe()': (options) => new TopologyTestDriver(app).input(words).pipe('a', 'b', options),
}

async function refusal(act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  return undefined
}

describe('an option that does not exist is refused', () => {
  it.each(Object.keys(takers))('by %s', async (taker) => {
    expect(await refusal(() => takers[taker]?.({ nonsense: 1 }))).toMatchObject({
      code: 'MR_CONFIG',
      message: `${taker} has no option "nonsense"`,
      hint: expect.stringContaining('options'),
    })
  })

  it.each<[taker: string, option: string, meant: string]>([
    ['kafka()', 'ssl', 'tls'],
    ['kafka()', 'TLS', 'tls'],
    ['kafka()', 'bootstrap.servers', 'brokers'],
    ['kafka()', 'session.timeout.ms', 'sessionTimeout'],
    ['kafka()', 'clientID', 'clientId'],
    ['embeddedLog()', 'fsnc', 'fsync'],
    ['embeddedLog()', 'dir', 'directory'],
    ['defineApp()', 'comitInterval', 'commitInterval'],
    ['defineApp()', 'processing.guarantee', 'guarantee'],
    ['defineApp()', 'num.stream.threads', 'threads'],
    ['defineApp()', 'onDeserialisationError', 'onDeserializationError'],
    ['Streams.start()', 'state.dir', 'stateDirectory'],
    ['Streams.start()', 'onstate', 'onState'],
    ['new TopologyTestDriver()', 'partition', 'partitions'],
    ['pipe()', 'timestmap', 'timestamp'],
  ])('by %s, with a question: %s is probably meant to be %s', async (taker, option, meant) => {
    expect(await refusal(() => takers[taker]?.({ [option]: 1 }))).toMatchObject({
      code: 'MR_CONFIG',
      hint: expect.stringContaining(`Did you mean ${meant}?`),
    })
  })

  it('when it is inherited, too', () => {
    const options: object = Object.create({ fsync: false })
    expect(() => memoryLog(options)).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
  })
})

describe('a value that an option cannot have is refused with its name', () => {
  it.each<[taker: string, name: string, ...values: unknown[]]>([
    ['defineApp()', 'id', '', 'no spaces', 5, null],
    ['defineApp()', 'build', undefined, 'build', {}],
    ['defineApp()', 'guarantee', 'maybe', true, null],
    ['defineApp()', 'commitInterval', Number.NaN, -1, 1.5, '10 parsecs', true, '', null],
    ['defineApp()', 'memory', '15MiB', '512', -1, Number.NaN, 1.5, true],
    ['defineApp()', 'maxTaskIdle', -2, Number.NaN, 'never'],
    ['defineApp()', 'threads', 0, 2 ** 31, 1.5, Number.NaN, '2', true],
    ['defineApp()', 'standbyReplicas', -1, 2 ** 31, 0.5],
    ['defineApp()', 'replicationFactor', -2, 2 ** 31],
    ['defineApp()', 'bufferedRecordsPerPartition', 0, Infinity],
    ['defineApp()', 'optimize', true, 'some', ['everything'], {}],
    ['defineApp()', 'strictNaming', 'yes', 1, null],
    ['defineApp()', 'compatibility', true, 'kafka-streams-3.0'],
    ['defineApp()', 'logger', {}, 'console', console.log, { debug() {}, info() {}, warn() {} }],
    ['defineApp()', 'topicConfigs', 'x', ['x'], null],
    ['defineApp()', 'topicConfigs', { 'min.insync.replicas': 2 }],
    ['defineApp()', 'defaults', 'string', string()],
    ['defineApp()', 'defaults.key', { key: 'string' }, { key: string }],
    ['defineApp()', 'onUncaughtError', 'panic', true],
    ['kafka()', 'brokers', undefined, 9092, [9092], null],
    ['kafka()', 'clientId', '', 5],
    ['kafka()', 'tls', 'yes', 1, null],
    ['kafka()', 'tls.rejectUnauthorized', { rejectUnauthorized: 0 }],
    ['kafka()', 'tls', { cert: 'not a certificate' }],
    ['kafka()', 'sasl', true, 'PLAIN'],
    ['kafka()', 'sasl.mechanism', {}, { mechanism: 'NOPE' }, { mechanism: 'plain', username: 'u', password: 'p' }],
    ['kafka()', 'sasl.password', { mechanism: 'PLAIN', username: 'u' }],
    ['kafka()', 'sasl.password', { mechanism: 'SCRAM-SHA-256', username: 'u', password: '' }],
    ['kafka()', 'sasl.token', { mechanism: 'OAUTHBEARER' }],
    ['kafka()', 'sasl.authenticate', { mechanism: 'GSSAPI' }],
    ['kafka()', 'connectTimeout', 0, -1, Number.NaN, 0.5, 2 ** 31, 'soon'],
    ['kafka()', 'groupProtocol', 'consumer', 5],
    ['kafka()', 'clock', {}, 5],
    ['embeddedLog()', 'directory', '', 5, undefined],
    ['embeddedLog()', 'engine', 'leveldb', memoryEngine],
    ['embeddedLog()', 'fsync', 'no', 0, null],
    ['Streams.start()', 'log', undefined, {}, 'localhost:9092'],
    ['Streams.start()', 'engine', 'leveldb', {}],
    ['Streams.start()', 'stateDirectory', '', 5],
    ['Streams.start()', 'instanceId', '', 5],
    ['Streams.start()', 'stateCleanupDelay', -1, Number.NaN],
    ['Streams.start()', 'onState', 'print'],
    ['Streams.start()', 'module', 5, ''],
    ['new TopologyTestDriver()', 'partitions', 0, 1.5, Number.NaN, '4', [4]],
    ['new TopologyTestDriver()', 'partitions.words', { words: 0 }],
    ['new TopologyTestDriver()', 'tasks', 'fake'],
    ['new TopologyTestDriver()', 'wallClock', Number.NaN, 'now'],
    ['restart()', 'keepState', 'no', undefined],
    ['pipe()', 'headers', 5],
    ['pipe()', 'partition', -1, 0.5],
  ])('of %s: %s', async (taker, name, ...values) => {
    const [option = ''] = name.split('.')
    for (const value of values) {
      const error = await refusal(() => takers[taker]?.({ [option]: value }))
      expect([value, error]).toEqual([
        value,
        expect.objectContaining({
          code: 'MR_CONFIG',
          message: expect.stringContaining(name.split('.').at(-1) ?? name),
          hint: expect.any(String),
        }),
      ])
    }
  })

  it.each<[taker: string, options: object, names: readonly string[]]>([
    ['kafka()', { heartbeatInterval: '10s', sessionTimeout: '10s' }, ['heartbeatInterval', 'sessionTimeout']],
    ['kafka()', { heartbeatInterval: '1m' }, ['heartbeatInterval', 'sessionTimeout']],
    ['kafka()', { retryBackoff: '2s', retryBackoffMax: '1999ms' }, ['retryBackoff', 'retryBackoffMax']],
    ['kafka()', { retryBackoff: '2s' }, ['retryBackoff', 'retryBackoffMax']],
    ['kafka()', { tls: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } }, ['tls.minVersion', 'maxVersion']],
    ['defineApp()', { memory: '64MiB', cacheBytes: '33MiB' }, ['cacheBytes', 'memory']],
    [
      'defineApp()',
      { replicationFactor: 1, topicConfigs: { 'min.insync.replicas': '2' } },
      ['replicationFactor', 'min.insync.replicas'],
    ],
  ])('beside another one of %s: %j', async (taker, options, names) => {
    const error = await refusal(() => takers[taker]?.(options))
    expect(error).toMatchObject({ code: 'MR_CONFIG', hint: expect.any(String) })
    for (const name of names)
      expect(`${(error as Error).message} ${String((error as { hint: string }).hint)}`).toContain(name)
  })

  it.each([
    ['kafka()', { heartbeatInterval: '9999ms', sessionTimeout: '10s' }],
    ['kafka()', { sessionTimeout: '2s' }],
    ['kafka()', { retryBackoff: '2s', retryBackoffMax: '2s' }],
    ['kafka()', { retryBackoffMax: '10ms' }],
    ['kafka()', { tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } }],
    ['defineApp()', { replicationFactor: 2, topicConfigs: { 'min.insync.replicas': '2' } }],
    ['defineApp()', { topicConfigs: { 'min.insync.replicas': '2' } }],
  ])('but not one that fits, nor because of a default that can give way, by %s: %j', async (taker, options) => {
    expect(await refusal(() => takers[taker]?.(options))).toBeUndefined()
  })

  it('the error for a log that is not awaited says so', async () => {
    const log: unknown = embeddedLog({ directory: 'unused', engine: 'memory' })
    expect(await refusal(() => takers['Streams.start()']?.({ log }))).toMatchObject({
      hint: expect.stringContaining('await'),
    })
    await (log as ReturnType<typeof embeddedLog>).then((opened) => opened.close())
  })

  it('the error for a value that is no application says so', async () => {
    const log = memoryLog()
    const refused = expect.objectContaining({ code: 'MR_CONFIG', hint: expect.stringContaining('defineApp') })
    for (const wrong of [undefined, {}, () => app]) {
      expect(await refusal(() => Streams.start(wrong as never, { log }))).toEqual(refused)
      expect(await refusal(() => new TopologyTestDriver(wrong as never))).toEqual(refused)
    }
  })

  it('credentials are not shown', async () => {
    for (const sasl of [
      { mechanism: 'PLAIN', username: 'u', password: 12_345 },
      { mechanism: 'NOPE', username: 'u', password: '12345' },
      { mechanism: 'PLAIN', username: 'u', password: '12345', passphrase: '12345' },
      'PLAIN:u:12345',
    ]) {
      const error = await refusal(() => takers['kafka()']?.({ sasl }))
      expect(error).toMatchObject({ code: 'MR_CONFIG' })
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('12345')
    }
    for (const given of [{ tls: '-----BEGIN PRIVATE KEY-----12345' }, { brokers: 'kafka://u:12345@host:9092' }]) {
      const error = await refusal(() => takers['kafka()']?.(given))
      expect(error).toMatchObject({ code: 'MR_CONFIG' })
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('12345')
    }
  })
})

it('nothing is sent to a broker when an option of kafka() is refused, and TLS begins with a handshake', async () => {
  const received: Buffer[] = []
  const server = createServer((socket) => {
    socket.once('data', (bytes) => {
      received.push(bytes)
      socket.destroy()
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const brokers = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const sasl = { mechanism: 'PLAIN', username: 'u', password: 'p' } as const
  const bound = { connectTimeout: 500, apiTimeout: 300, sasl }
  for (const name of ['ssl', 'TLS']) {
    const options = { brokers, ...bound, [name]: true }
    expect(() => kafka(options)).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
  }
  const probe = connect(Number(brokers.split(':')[1]), '127.0.0.1').end('end')
  await once(probe, 'close')
  expect(received.map(String)).toEqual(['end'])
  const log = kafka({ brokers, ...bound, tls: true })
  await expect(log.describeTopics(['x'])).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE' })
  await log.close()
  expect(received[1]?.[0]).toBe(0x16)
  server.close()
})
