import type { KeyValueStore, ProcessorSupplier, StreamsBuilder, ValueTransformerSupplier } from '../../src/index.ts'
import { expression, show } from './expressions.ts'
import type { Expression } from './expressions.ts'
import type { Step } from './scenario.ts'
import { named, plainStore, scenarioTopic } from './step-options.ts'
import type { Types } from './step-result.ts'

/** Adds a global store whose processor rewrites keys and values. */
export function addGlobalStore(builder: StreamsBuilder, step: Step): void {
  const types = { key: step.key ?? 'string', value: step.value ?? 'string' } satisfies Types
  const keyFn = expression(step.keyFn ?? 'k', types.key, types.value)
  const fn = expression(step.fn ?? 'v', types.key, types.value)
  const name = step.store ?? ''
  const spec = { ...plainStore(name, keyFn.type, fn.type), persistent: false, logging: false } as const
  builder.addGlobalStore(
    spec,
    scenarioTopic(step.topic ?? '', types, step.timestamps),
    index(name, keyFn, fn),
    named(step),
  )
}

function index(name: string, keyFn: Expression, fn: Expression): ProcessorSupplier<unknown, unknown, never, never> {
  return () => {
    let store: KeyValueStore<unknown, unknown>
    return {
      init(context) {
        store = context.store(name)
      },
      process({ key, value }) {
        const indexed = keyFn.evaluate(value, key)
        if (indexed !== null) store.put(indexed, value === null ? null : fn.evaluate(value, key))
      },
    }
  }
}

/** A transformer that counts its calls for each key in the store called `name`. */
export function countingTransformer(
  name: string,
  fn: Expression,
): ValueTransformerSupplier<unknown, {}, string | null> {
  return () => {
    let calls: KeyValueStore<unknown, number>
    return {
      init(context) {
        calls = context.store(name)
      },
      transform(value, key) {
        const call = (calls.get(key) ?? 0) + 1
        calls.put(key, call)
        const result = fn.evaluate(value, key)
        return result === null || result === undefined ? null : `${show(result)}#${call}`
      },
    }
  }
}
