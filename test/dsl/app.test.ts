import { describe, expect, it } from 'vitest'
import { defineApp, json, long, string, topic } from '../../src/index.ts'
import type { AppConfig, StreamsBuilder } from '../../src/index.ts'
import { machineMemory } from '../../src/platform/machine-memory.ts'

const words = topic('words', { key: string(), value: string() })
const build = (builder: StreamsBuilder): void => builder.stream(words).to('out')

function app(config: Partial<AppConfig> = {}) {
  return defineApp({ id: 'app', build, ...config })
}

describe('settings', () => {
  it('have the defaults of Kafka Streams', () => {
    expect(app().settings).toMatchObject({
      guarantee: 'at_least_once',
      commitInterval: undefined,
      cacheBytes: 10_485_760,
      maxTaskIdle: 0,
      bufferedRecordsPerPartition: 1000,
      threads: 1,
      standbyReplicas: 0,
      taskTimeout: 300_000,
      replicationFactor: -1,
      compatible: false,
      onDeserializationError: 'fail',
      onProcessingError: 'fail',
      onProductionError: 'fail',
      onUncaughtError: 'shutdownClient',
      deadLetterTopic: undefined,
    })
  })

  it('the time between commits is that of the log unless set otherwise', () => {
    expect(app({ guarantee: 'exactly_once' }).settings.commitInterval).toBeUndefined()
    expect(app({ guarantee: 'exactly_once', commitInterval: '1s' }).settings.commitInterval).toBe(1000)
  })

  it('with a dead letter topic, errors lead there by default', () => {
    const { settings } = app({ deadLetterTopic: 'dead', onProcessingError: 'continue' })
    expect(settings).toMatchObject({
      onDeserializationError: 'deadLetter',
      onProcessingError: 'continue',
      onProductionError: 'deadLetter',
    })
  })

  it.each([
    ['512MiB', 512 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['64 MB', 64_000_000],
    [100_000_000, 100_000_000],
  ])('the memory may be %s', (memory, bytes) => {
    expect(app({ memory }).settings.memory).toBe(bytes)
  })

  it('the memory is a quarter of what there is unless set otherwise, and at most 1 GiB', () => {
    expect(app().settings.memory).toBe(Math.min(2 ** 30, Math.max(2 ** 24, Math.floor(machineMemory() / 4))))
  })

  it('the record cache takes no more than an eighth of a small memory unless set otherwise', () => {
    expect(app({ memory: '16MiB' }).settings.cacheBytes).toBe(2 * 2 ** 20)
    expect(app({ memory: '16MiB', cacheBytes: '8MiB' }).settings.cacheBytes).toBe(8 * 2 ** 20)
  })

  it('a task may be set never to wait', () => {
    expect(app({ maxTaskIdle: -1 }).settings.maxTaskIdle).toBe(-1)
  })

  it.each<[key: string, config: object]>([
    ['id', { id: 'no spaces' }],
    ['build', { build: undefined }],
    ['guarantee', { guarantee: 'maybe' }],
    ['commitInterval', { commitInterval: 'soon' }],
    ['memory', { memory: '15MiB' }],
    ['memory', { memory: '512' }],
    ['memory', { memory: '512 Mb' }],
    ['memory', { memory: -1 }],
    ['memory', { memory: Number.NaN }],
    ['cacheBytes', { cacheBytes: -1 }],
    ['cacheBytes', { memory: '16MiB', cacheBytes: '9MiB' }],
    ['maxTaskIdle', { maxTaskIdle: -2 }],
    ['threads', { threads: 0 }],
    ['taskTimeout', { taskTimeout: 1.5 }],
    ['replicationFactor', { replicationFactor: -2 }],
    ['onProcessingError', { onProcessingError: 'ignore' }],
    ['onProcessingError', { onProcessingError: 'deadLetter' }],
    ['onUncaughtError', { onUncaughtError: 'panic' }],
    ['deadLetterTopic', { deadLetterTopic: '' }],
    ['optimize', { optimize: ['everything'] }],
    ['compatibility', { compatibility: 'kafka-streams-3.0' }],
    ['comitInterval', { comitInterval: 5 }],
  ])('a bad %s is an error that names it', (key, config) => {
    expect(() => app(config)).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG', message: expect.stringContaining(key), hint: expect.any(String) }),
    )
  })
})

describe('the topology of an application', () => {
  it('is built again each time', () => {
    const once = app()
    expect(once.topology()).not.toBe(once.topology())
    expect(once.topology()).toEqual(once.topology())
  })

  it('uses the default serdes where there is no other', () => {
    const topology = app({
      defaults: { key: long(), value: json<number>() },
      build: (builder) =>
        builder
          .stream(words)
          .map((word, key) => [word.length, key])
          .to('lengths'),
    }).topology()
    const sink = topology.subtopologies[0]?.nodes.at(-1)
    expect(sink).toMatchObject({ kind: 'sink', keySerde: { name: 'long' }, valueSerde: { name: 'json' } })
  })
})

describe('topics', () => {
  it.each([
    ['an impossible name', () => topic('a/b', { key: string(), value: string() })],
    ['no serdes', () => topic('words', {} as never)],
  ])('%s is refused', (_what, define) => {
    expect(define).toThrow(expect.objectContaining({ code: 'MR_TOPIC_INVALID' }))
  })
})
