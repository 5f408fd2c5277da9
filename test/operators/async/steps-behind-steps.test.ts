import { expect, test } from 'vitest'
import { defineApp, string, topic } from '../../../src/index.ts'
import type { CallContext, KStream } from '../../../src/index.ts'
import { TopologyTestDriver } from '../../../src/testing/index.ts'
import { Calls } from './calls.ts'

const input = topic('in', { key: string(), value: string() })
const out = topic('out', { key: string(), value: string() })

function driverOf(build: (stream: KStream<string, string>) => void): TopologyTestDriver {
  const app = defineApp({ id: 'app', build: (builder) => build(builder.stream(input)) })
  return new TopologyTestDriver(app, { wallClock: 0 })
}

/** Two steps beside each other, whose results reach a third. */
function diamond(
  stream: KStream<string, string>,
  side: (name: string) => (value: string) => string | Promise<string>,
  keys: Map<string, string>,
): void {
  const named = (name: string): KStream<string, string> =>
    stream.mapValuesAsync(side(name), { store: name, value: string() })
  const note = (value: string, _key: string, { idempotencyKey }: CallContext): void =>
    void keys.set(value, idempotencyKey)
  named('left').merge(named('right')).forEachAsync(note, { store: 'meet', inputValue: string() })
}

test('results of one record from two steps have different idempotency keys in the step where they meet', async () => {
  const keys = new Map<string, string>()
  using driver = driverOf((stream) => diamond(stream, (name) => async (value) => `${value} ${name}`, keys))
  driver.input(input).pipe('a', '1')
  driver.input(input).pipe('a', '2')
  await driver.settled()
  expect(Object.fromEntries(keys)).toEqual({
    '1 left': 'app/in/0/0/meet/0/left/0',
    '1 right': 'app/in/0/0/meet/0/right/0',
    '2 left': 'app/in/0/1/meet/0/left/0',
    '2 right': 'app/in/0/1/meet/0/right/0',
  })
})

test('a result that is there at once has the idempotency key further on that it has when it comes later', async () => {
  const [later, atOnce] = [new Map<string, string>(), new Map<string, string>()]
  using one = driverOf((stream) => diamond(stream, (name) => async (value) => `${value} ${name}`, later))
  using other = driverOf((stream) => diamond(stream, (name) => (value) => `${value} ${name}`, atOnce))
  for (const driver of [one, other]) {
    driver.input(input).pipe('a', '1')
    await driver.settled()
  }
  expect(atOnce).toEqual(later)
})

test('as they are completed, a result of another step takes no call away from a record that may begin', async () => {
  const [first, second] = [new Calls(), new Calls()]
  const options = { value: string(), emit: 'as-completed' } as const
  using driver = driverOf((stream) =>
    stream
      .mapValuesAsync(first.call, { ...options, store: 'first' })
      .mapValuesAsync(second.call, { ...options, store: 'second' })
      .to(out),
  )
  for (const [key, value] of [
    ['a', '1'],
    ['a', '2'],
    ['b', '3'],
  ] as const) {
    driver.input(input).pipe(key, value)
  }
  for (const name of ['a=1', 'a=2']) {
    first.resolve(name)
    await first.turn(driver)
  }
  // Before its next turn the second step has a call that may begin, and the first a result for it.
  second.resolve('a=1!')
  first.resolve('b=3')
  for (const name of ['a=2!', 'b=3!']) {
    await second.turn(driver)
    expect(second.open).toContain(name)
    second.resolve(name)
  }
  await driver.settled()
  expect(second.made).toBe(3)
  expect(driver.output(out).readValues()).toEqual(['1!!', '2!!', '3!!'])
})
