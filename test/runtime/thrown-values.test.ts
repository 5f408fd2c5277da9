import { expect, test } from 'vitest'
import { defineApp, MillraceError, string, topic } from '../../src/index.ts'
import type { FailedRecord, Serde } from '../../src/index.ts'
import { formatError } from '../../src/cli/cli-error.ts'
import { ConsoleLogger } from '../../src/cli/console-logger.ts'
import { ValueReceiver, ValueSender } from '../../src/runtime/workers/sent-error.ts'
import { TopologyTestDriver } from '../../src/testing/index.ts'

const types = { key: string(), value: string() }
const words = topic('words', types)
const letters = topic('letters', types)

const hostile = (property: string): Error =>
  Object.defineProperty(new Error('hidden'), property, {
    get() {
      throw new Error('do not look')
    },
  })
const { proxy, revoke } = Proxy.revocable({}, {})
revoke()

const THROWN: readonly (readonly [name: string, thrown: unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['text', 'just text'],
  ['a number', 42],
  ['a symbol', Symbol('symbol')],
  ['a function', () => {}],
  ['an object without a prototype', Object.create(null)],
  ['a frozen error', Object.freeze(new Error('frozen'))],
  ['a revoked proxy', proxy],
  ['a proxy that refuses', new Proxy(new Error('inside'), { get: refuse, getPrototypeOf: refuse, has: refuse })],
  ['an error whose message throws', hostile('message')],
  ['an error whose stack throws', hostile('stack')],
  ['an error whose name throws', hostile('name')],
  ['an error whose message is no text', Object.assign(new Error('text'), { message: Symbol('message') })],
  ['an object that cannot be text', { toString: refuse, [Symbol.toPrimitive]: refuse }],
  ['an error of Millrace', new MillraceError('MR_MINE', 'thrown by the application')],
]

function refuse(): never {
  throw new Error('do not touch')
}

test.each(THROWN)('%s goes to the handler of the record, and is reported', (_name, thrown) => {
  const asked: [MillraceError, FailedRecord][] = []
  const app = defineApp({
    id: 'app',
    deadLetterTopic: 'letters',
    onProcessingError(error, record) {
      asked.push([error, record])
      return 'deadLetter'
    },
    build: (builder) =>
      builder
        .stream(words)
        .mapValues((value) => {
          if (value === 'bad') throw thrown
          return value
        })
        .to('out', types),
  })
  using driver = new TopologyTestDriver(app)
  driver.input(words).pipeAll([
    ['a', 'good'],
    ['a', 'bad'],
    ['a', 'better'],
  ])
  expect(driver.output(topic('out', types)).readValues()).toEqual(['good', 'better'])
  expect(asked).toEqual([[expect.any(MillraceError), expect.objectContaining({ topic: 'words', offset: 1 })]])
  const [error] = asked[0] as [MillraceError, FailedRecord]
  expect(error).toMatchObject({ topic: 'words', partition: 0, offset: 1, node: 'KSTREAM-MAPVALUES-0000000001' })
  expect(driver.dropped.byReason.get('processing')).toBe(1)
  const letter = driver.output(letters).read()
  expect([letter?.value, letter?.headers.getString('__streams.errors.offset')]).toEqual(['bad', '1'])
})

test.each(THROWN)('%s ends the application with its place if no handler continues', (_name, thrown) => {
  const app = defineApp({
    id: 'app',
    build: (builder) =>
      builder.stream(words).forEach(() => {
        throw thrown
      }),
  })
  using driver = new TopologyTestDriver(app)
  let error: unknown
  try {
    driver.input(words).pipe('a', 'bad')
  } catch (cause) {
    error = cause
  }
  expect(error).toBeInstanceOf(MillraceError)
  expect(error).toMatchObject({ topic: 'words', offset: 0 })
  expect(formatError(error, 'text')).toContain('words')
  expect(() => JSON.parse(formatError(error, 'json'))).not.toThrow()
  expect(new ValueReceiver().receive(new ValueSender().send(error))).toMatchObject({ topic: 'words', offset: 0 })
})

test.each(THROWN)('%s thrown by a handler, a serde or an init is reported', (_name, thrown) => {
  const throws = (): never => {
    throw thrown
  }
  const handling = defineApp({
    id: 'app',
    onProcessingError: throws,
    build: (builder) => builder.stream(words).forEach(refuse),
  })
  using failing = new TopologyTestDriver(handling)
  expect(() => failing.input(words).pipe('a', 'b')).toThrow(expect.objectContaining({ code: 'MR_HANDLER' }))

  const serde: Serde<string> = { ...string(), serialize: throws, deserialize: throws, read: throws, write: throws }
  const decoding = defineApp({
    id: 'app',
    onDeserializationError: 'continue',
    build: (builder) => builder.stream(topic('words', { key: string(), value: serde })).to('out', types),
  })
  using reading = new TopologyTestDriver(decoding)
  reading.input(words).pipe('a', 'b')
  expect(reading.dropped.byReason.get('deserialization')).toBe(1)

  const encoding = defineApp({
    id: 'app',
    onProductionError: 'continue',
    build: (builder) => builder.stream(words).to('out', { key: string(), value: serde }),
  })
  using writing = new TopologyTestDriver(encoding)
  writing.input(words).pipe('a', 'b')
  expect(writing.dropped.byReason.get('production')).toBe(1)

  const opening = defineApp({
    id: 'app',
    build: (builder) => void builder.stream(words).process(() => ({ init: throws, process() {} }), { name: 'opened' }),
  })
  expect(() => new TopologyTestDriver(opening)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^MR_/) }),
  )
})

test.each(THROWN)('%s does not stop the messages of the command', (_name, thrown) => {
  for (const format of ['text', 'json'] as const) {
    const lines: string[] = []
    const logger = new ConsoleLogger({ line: (line: string) => lines.push(line) } as never, format)
    logger.error({ err: thrown, cause: thrown }, 'it failed')
    logger.flush(new Error('another'))
    expect(lines).toEqual([expect.stringContaining('it failed')])
  }
})
