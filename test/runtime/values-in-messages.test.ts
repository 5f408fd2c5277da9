import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  defineApp,
  json,
  long,
  memoryLog,
  MillraceError,
  silentLogger,
  stderrLogger,
  Streams,
  string,
  topic,
  TopicWriter,
  uuid,
  type AppConfig,
  type Logger,
  type Serde,
} from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'

/** What must not be seen: a text and a number of somebody's record. */
const SECRET = 'secret-4711'
const NUMBER = 9007199254740993n

const raw = topic('in', { key: string(), value: string() })
const reading = (value: Serde<unknown>) => topic('in', { key: string(), value })

/** A schema that says what it got, as some libraries do. */
const repeating = {
  '~standard': {
    version: 1 as const,
    vendor: 'repeating',
    validate: (value: unknown) => ({
      issues: [{ path: ['name'], message: `expected a number but got ${(value as { name: string }).name}` }],
    }),
  },
}

/** Ways in which a record goes wrong: what is written, the code of the error, and the topology that meets it. */
const wrongs: [what: string, text: string, code: string, build: AppConfig['build']][] = [
  ['text that is no JSON', SECRET, 'MR_DESERIALIZE', (builder) => void builder.stream(reading(json()))],
  [
    'a text of another length',
    SECRET,
    'MR_DESERIALIZE',
    (builder) => void builder.stream(reading(long() as Serde<unknown>)),
  ],
  ['a large integer', `{"n":${NUMBER}}`, 'MR_DESERIALIZE', (builder) => void builder.stream(reading(json()))],
  ['no UUID', SECRET.padEnd(36), 'MR_DESERIALIZE', (builder) => void builder.stream(reading(uuid() as Serde<unknown>))],
  [
    'a value that its schema refuses',
    `{"name":"${SECRET}"}`,
    'MR_DESERIALIZE',
    (builder) => void builder.stream(reading(json(z.object({ name: z.number() })) as Serde<unknown>)),
  ],
  [
    'a value that a schema repeats',
    `{"name":"${SECRET}"}`,
    'MR_DESERIALIZE',
    (builder) => void builder.stream(reading(json(repeating) as Serde<unknown>)),
  ],
  [
    'a value of another type than its serde takes',
    SECRET,
    'MR_SERIALIZE',
    (builder) =>
      builder
        .stream(raw)
        .mapValues((value) => value as unknown as number)
        .to(topic('out', { key: string(), value: long() })),
  ],
  [
    'a value that a store would not give back',
    SECRET,
    'MR_SERDE_ROUND_TRIP',
    (builder) =>
      void builder
        .stream(raw)
        .groupByKey()
        .aggregate(
          () => ({}) as object,
          (_key, value) => ({ id: BigInt(value.length) * NUMBER, at: new Date(0) }),
          {
            store: 'last',
            value: json<object>(),
          },
        ),
  ],
  [
    'a time that is none',
    SECRET,
    'MR_TIMESTAMP',
    (builder) =>
      void builder.stream(
        topic('in', { key: string(), value: string(), timestamp: ({ value }) => value as unknown as number }),
      ),
  ],
]

function recording(): { said: () => string; logger: Logger } {
  const lines: string[] = []
  const line = (fields: object, message: string): void => {
    lines.push(message, ...Object.values(fields).map(textOf))
  }
  return { said: () => lines.join('\n'), logger: { debug: line, info: line, warn: line, error: line } }
}

/** All that a logger could print of an error. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : JSON.stringify(error)
  return [error.message, error.stack, JSON.stringify({ ...error, cause: undefined }), textOf(error.cause ?? '')].join(
    '\n',
  )
}

async function failureOf(app: ReturnType<typeof defineApp>, text: string): Promise<unknown> {
  const log = memoryLog()
  await log.createTopics([
    { name: 'in', partitions: 1 },
    { name: 'out', partitions: 1 },
  ])
  const streams = await Streams.start(app, { log })
  const writer = await TopicWriter.open(log, raw)
  writer.write('key', text)
  await writer.close()
  const failure = await streams.closed.then(() => undefined).catch((error: unknown) => error)
  await log.close()
  return failure
}

test.each(wrongs)('%s is in no error and no log line', async (_what, text, code, build) => {
  const { said, logger } = recording()
  const failure = await failureOf(defineApp({ id: 'hiding', logger, build }), text)
  expect(failure).toMatchObject({ code, topic: code === 'MR_SERIALIZE' ? 'out' : 'in' })
  const seen = `${said()}\n${textOf(failure)}`
  expect(seen).not.toContain(SECRET)
  expect(seen).not.toContain(Buffer.from(SECRET).toString('hex'))
  expect(seen).not.toContain(String(NUMBER))
})

test.each(wrongs)('%s is shown with logValues, and by the test driver', async (_what, text, code, build) => {
  const { logger } = recording()
  const shows =
    code === 'MR_SERDE_ROUND_TRIP'
      ? /bigint 99079191802150923|at: a Date became "1970/
      : /secret|7365637265|9007199254740993/
  const failure = await failureOf(defineApp({ id: 'showing', logger, logValues: true, build }), text)
  expect((failure as Error).message).toMatch(shows)
  using driver = new TopologyTestDriver(defineApp({ id: 'tested', logger, build }))
  expect(() => driver.input(raw).pipe('key', text)).toThrow(shows)
})

test('an error that ends the application names the trace of its record', async () => {
  const app = defineApp({
    id: 'traced',
    logger: silentLogger,
    build: (builder) => void builder.stream(reading(json())),
  })
  using driver = new TopologyTestDriver(app)
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const headers = [['traceparent', `00-${traceId}-00f067aa0ba902b7-01`]] as const
  const pipe = (): void => driver.input(raw).pipe('key', 'no json', { headers })
  expect(pipe).toThrow(expect.objectContaining({ code: 'MR_DESERIALIZE', traceId }))
})

test('an application without a logger writes errors to standard error, and one with silentLogger nothing', async () => {
  const written = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    const build: AppConfig['build'] = (builder) => void builder.stream(reading(json()))
    await failureOf(defineApp({ id: 'silent', logger: silentLogger, build }), SECRET)
    expect(written).not.toHaveBeenCalled()
    expect(await failureOf(defineApp({ id: 'loud', build }), SECRET)).toBeInstanceOf(MillraceError)
    const lines = written.mock.calls.map(([line]) => String(line))
    expect(lines).toEqual([
      expect.stringMatching(/^error: stream thread failed thread=loud-\S+ err="cannot read the value/),
    ])
  } finally {
    written.mockRestore()
  }
})

test('the level of the logger for standard error can be changed while the application runs', () => {
  const written = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    const logger = stderrLogger({ format: 'json' })
    logger.info({}, 'not seen')
    logger.level = 'debug'
    const err = new MillraceError('MR_TEST', 'something broke', { task: '0_1', node: 'totals', hint: 'Mend it.' })
    logger.debug({ err, thread: 't-1' }, 'seen')
    expect(written.mock.calls.map(([line]): unknown => JSON.parse(String(line)))).toEqual([
      {
        level: 'debug',
        time: expect.any(String),
        message: 'seen',
        code: 'MR_TEST',
        task: '0_1',
        node: 'totals',
        hint: 'Mend it.',
        err: 'something broke (node=totals, task=0_1)',
        thread: 't-1',
      },
    ])
    expect(() => stderrLogger({ levle: 'info' } as object)).toThrow(expect.objectContaining({ code: 'MR_CONFIG' }))
  } finally {
    written.mockRestore()
  }
})
