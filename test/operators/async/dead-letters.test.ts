import { expect, test } from 'vitest'
import { defineApp, string, topic } from '../../../src/index.ts'
import type { KStream, Processor, ProcessorContext, ProcessorRecord } from '../../../src/index.ts'
import { TopologyTestDriver } from '../../../src/testing/index.ts'

const input = topic('in', { key: string(), value: string() })
const dead = topic('dead', { key: string(), value: string() })

/** Gives records another timestamp and value, and a header. */
class Changer implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
  }

  process({ key, value, timestamp, headers }: ProcessorRecord<string, string>): void {
    headers.add('on', 'its way')
    this.#context.forward({ key, value: `${value}?`, timestamp: timestamp + 5, headers })
  }
}

async function deadLetterOf(step: (stream: KStream<string, string>) => void) {
  const app = defineApp({
    id: 'app',
    deadLetterTopic: 'dead',
    build: (builder) => step(builder.stream(input).process(() => new Changer())),
  })
  using driver = new TopologyTestDriver(app, { wallClock: 0 })
  driver.input(input).pipe('a', '1', { timestamp: 7, headers: [['trace', 'x']] })
  await driver.settled()
  return driver.output(dead).read()
}

test('a dead letter of a call that failed is that of a synchronous function: the record as it was read', async () => {
  const refuse = (): string => {
    throw new RangeError('no such account')
  }
  const options = { store: 'step', value: string(), inputKey: string(), inputValue: string() }
  const synchronous = await deadLetterOf((stream) => void stream.mapValues(refuse))
  const atOnce = await deadLetterOf((stream) => void stream.mapValuesAsync(refuse, options))
  const later = await deadLetterOf((stream) => void stream.mapValuesAsync(async () => refuse(), options))
  for (const letter of [synchronous, atOnce, later]) {
    expect(letter).toMatchObject({ key: 'a', value: '1', timestamp: 7 })
    expect(letter?.headers.getString('trace')).toBe('x')
    expect(letter?.headers.getString('on')).toBeUndefined()
  }
})
