import { describe, expect, test } from 'vitest'
import { Headers } from '../../src/record/headers.ts'
import type {
  FixedKeyProcessorContext,
  FixedKeyProcessorSupplier,
  ProcessorContext,
  ProcessorSupplier,
} from '../../src/topology/processor-api.ts'
import { FakeKeyValue } from './support/fake-states.ts'
import { Harness } from './support/harness.ts'

type Context = ProcessorContext<unknown, unknown>
type AnySupplier = ProcessorSupplier<unknown, unknown, unknown, unknown>
type ValueSupplier = FixedKeyProcessorSupplier<unknown, unknown, unknown>

function processing(supplier: AnySupplier, ...children: string[]): Harness {
  return new Harness(
    { n: [{ op: 'process', supplier, stores: ['s'] }, ...(children.length > 0 ? children : ['out'])] },
    [new FakeKeyValue('s')],
  )
}

/** A processor made of what it does with a record. */
function each(action: (context: Context, record: { key: unknown; value: unknown }) => void): AnySupplier {
  return () => {
    let context: Context | undefined
    return {
      init(given) {
        context = given
      },
      process(record) {
        if (context !== undefined) action(context, record)
      },
    }
  }
}

describe('process', () => {
  test('forwards any number of records; parts left out are those of the record processed', () => {
    const harness = processing(
      each((context, { key, value }) => {
        context.forward({ key: value, value: key })
        context.forward({ key, value: null, timestamp: 7, headers: new Headers().add('mine', '') })
      }),
    )
    expect(harness.pipe('n', 'k', 'v', 1, new Headers().add('h', ''))).toEqual(['v=k@1 h=h', 'k=∅@7 h=mine'])
  })

  test('forwards to one child by name', () => {
    const harness = processing(
      each((context, { key, value }) => context.forward({ key, value }, 'b')),
      'a',
      'b',
    )
    expect(harness.pipe('n', 'k', 'v', 1)).toEqual(['b:k=v@1'])
  })

  test('knows where the record came from, the times, and its stores', () => {
    const seen: unknown[] = []
    const harness = processing(
      each((context) => {
        seen.push(context.recordMetadata, context.currentStreamTime(), context.currentSystemTime())
        seen.push(context.taskId, context.applicationId, context.store<FakeKeyValue>('s').name)
        context.commit()
      }),
    )
    harness.pipe('n', 'k', 'v', 42)
    expect(seen).toEqual([{ topic: 'in', partition: 0, offset: 0 }, 42, 1_000_000, '0_0', 'app', 's'])
    expect(harness.commits).toBe(1)
  })

  test('punctuators have no record: what they forward is stamped with their time and has no headers', () => {
    const seen: unknown[] = []
    const harness = processing(() => {
      let context: Context | undefined
      return {
        init(given) {
          context = given
          given.schedule(
            '10s',
            'stream-time',
            (timestamp) => {
              seen.push(timestamp, given.recordMetadata)
              given.forward({ key: 'p', value: 1 })
              given.forward({ key: 'p', value: 2, timestamp: 5 })
            },
            { start: 3 },
          )
        },
        process({ key, value }) {
          context?.forward({ key, value })
        },
      }
    })
    expect(harness.punctuations[0]).toMatchObject({ interval: 10_000, type: 'stream-time', start: 3 })
    harness.pipe('n', 'k', 'v', 1, new Headers().add('h', ''))
    expect(harness.punctuate(20)).toEqual(['p=1@20', 'p=2@5'])
    expect(seen).toEqual([20, undefined])
    expect(harness.pipe('n', 'k', 'v', 21)).toEqual(['k=v@21'])
  })

  test.each([-1, Number.NaN])('refuses the timestamp %d', (timestamp) => {
    const harness = processing(each((context, { key, value }) => context.forward({ key, value, timestamp })))
    expect(() => harness.pipe('n', 'k', 'v', 1)).toThrow(expect.objectContaining({ code: 'MR_TIMESTAMP', node: 'n' }))
  })

  test('refuses an interval of 0', () => {
    const supplier: AnySupplier = () => ({
      init: (context) => void context.schedule(0, 'wall-clock-time', () => {}),
      process() {},
    })
    expect(() => processing(supplier)).toThrow(expect.objectContaining({ code: 'MR_DURATION' }))
  })

  test('each task has a processor of its own, which is closed with it', () => {
    let made = 0
    let closed = 0
    const supplier: AnySupplier = () => {
      made++
      return { process() {}, close: () => void closed++ }
    }
    const one = processing(supplier)
    processing(supplier)
    one.node('n').close()
    expect([made, closed]).toEqual([2, 1])
  })
})

describe('processValues', () => {
  function processingValues(supplier: ValueSupplier): Harness {
    return new Harness({ n: [{ op: 'processValues', supplier, stores: [] }, 'out'] })
  }

  test('forwards under the key of the record', () => {
    const harness = processingValues(() => {
      let context: FixedKeyProcessorContext<unknown> | undefined
      return {
        init(given) {
          context = given
        },
        process({ value }) {
          context?.forward({ value: `${value}!` })
          context?.forward({ value: undefined, timestamp: 9 })
        },
      }
    })
    expect(harness.pipe('n', 'k', 'v', 1)).toEqual(['k=v!@1', 'k=∅@9'])
  })

  test('cannot forward from a punctuator, which has no key', () => {
    const harness = processingValues(() => ({
      init: (context) => void context.schedule(1, 'stream-time', () => context.forward({ value: 1 })),
      process() {},
    }))
    harness.pipe('n', 'k', 'v', 1)
    expect(() => harness.punctuate(10)).toThrow(expect.objectContaining({ code: 'MR_NO_RECORD' }))
  })
})
