import type {
  FixedKeyProcessorSupplier,
  Headers,
  ProcessingContext,
  ProcessorContext,
  ProcessorRecord,
  ProcessorSupplier,
} from '../../src/index.ts'
import { expression, show } from './expressions.ts'
import type { DataType } from './expressions.ts'
import type { ScheduleStep, Step } from './scenario.ts'
import { runScript } from './scripted-stores.ts'

/** What the processors of the scenarios use of a store. */
interface Store<K, V> {
  get(key: K): V | null | undefined
  put(key: K, value: V | null): void
  all(): Iterable<{ readonly key: K; readonly value: V }>
}

/** A store whose values may have timestamps. */
interface LookupStore {
  get(key: unknown): unknown
}

/** `child`: the only child to forward to. */
type Forward = (value: unknown, key: unknown, timestamp: number, child?: string) => void
type Handle = (record: ProcessorRecord<unknown, unknown>, forward: Forward, context: ProcessingContext) => void

interface Behaviour {
  readonly types: { readonly key: DataType; readonly value: DataType }
  /** Type of the values in its store; undefined: it has none of its own. */
  readonly stored?: DataType
  readonly handle: Handle
  /** `tag` is that of the punctuation. */
  readonly punctuate?: (timestamp: number, forward: Forward, context: ProcessingContext, tag: string) => void
}

/** What the processor of a step does, and the types it answers. */
export function behaviourOf(step: Step, key: DataType, value: DataType): Behaviour {
  const same = { key, value }
  const store = (context: ProcessingContext): Store<unknown, unknown> => context.store(step.store ?? '')
  switch (step.proc) {
    case 'dedupe':
      return {
        types: same,
        stored: value,
        handle: (record, forward, context) => {
          if ((store(context).get(record.key) ?? null) === record.value) return
          store(context).put(record.key, record.value)
          forward(record.value, record.key, record.timestamp)
        },
      }
    case 'buffer':
      return {
        types: same,
        stored: value,
        handle: (record, _forward, context) => store(context).put(record.key, record.value),
        punctuate: (timestamp, forward, context) => {
          for (const entry of Array.from(store(context).all())) {
            forward(entry.value, entry.key, timestamp)
            store(context).put(entry.key, null)
          }
        },
      }
    case 'countPunctuate':
      return {
        types: { key, value: 'long' },
        stored: 'long',
        handle: (record, _forward, context) =>
          store(context).put(record.key, Number(store(context).get(record.key) ?? 0) + 1),
        punctuate: (timestamp, forward, context) => {
          for (const entry of Array.from(store(context).all())) forward(entry.value, entry.key, timestamp)
        },
      }
    case 'script':
      return {
        types: { key, value: 'string' },
        handle: ({ key: k, value: script, timestamp }, forward, context) => {
          const find = <S>(name: string): S => context.store<S>(name)
          const answers = typeof script === 'string' ? runScript(find, step.store ?? '', step.kind ?? '', script) : null
          forward(answers, k, timestamp)
        },
      }
    case 'two':
      return {
        types: { key, value: 'string' },
        handle: (record, forward, context) => {
          const counts = context.store<Store<unknown, unknown>>(step.counts ?? '')
          const lasts = context.store<Store<unknown, unknown>>(step.lasts ?? '')
          const calls = Number(counts.get(record.key) ?? 0) + 1
          const last = lasts.get(record.key)
          counts.put(record.key, calls)
          lasts.put(record.key, record.value)
          forward(`${calls}/${show(last)}`, record.key, record.timestamp)
        },
      }
    case 'route': {
      const child = expression(step.child ?? 'v', key, value)
      return {
        types: same,
        handle: (record, forward) =>
          forward(record.value, record.key, record.timestamp, show(child.evaluate(record.value, record.key))),
      }
    }
    case 'schedules':
      return {
        types: { key: 'string', value: 'string' },
        handle: () => undefined,
        punctuate: (timestamp, forward, context, tag) => forward(meta(context, timestamp, undefined), tag, timestamp),
      }
    case 'punctuateLog':
      return {
        types: { key: 'string', value: 'string' },
        handle: () => undefined,
        punctuate: (timestamp, forward, context) => forward(meta(context, timestamp, undefined), 'P', timestamp),
      }
    case 'meta':
      return {
        types: { key, value: 'string' },
        handle: (record, forward, context) =>
          forward(meta(context, record.timestamp, record.headers), record.key, record.timestamp),
      }
    case 'lookup':
      return {
        types: { key, value: 'string' },
        handle: (record, forward, context) => {
          const found = context.store<LookupStore>(step.store ?? '').get(record.key)
          forward(`${show(record.value)}~${showRow(found)}`, record.key, record.timestamp)
        },
      }
    case 'addHeader':
    case 'setHeader': {
      const header = expression(step.fn ?? 'v', key, value)
      return {
        types: same,
        handle: (record, forward) => {
          if (step.proc === 'setHeader') record.headers.remove(step.name ?? '')
          record.headers.add(step.name ?? '', show(header.evaluate(record.value, record.key)))
          forward(record.value, record.key, record.timestamp)
        },
      }
    }
    case 'shiftTs':
      return {
        types: same,
        handle: (record, forward) => forward(record.value, record.key, record.timestamp + (step.ms ?? 0)),
      }
    case 'twice':
      return {
        types: same,
        handle: (record, forward) => {
          forward(record.value, record.key, record.timestamp)
          forward(record.value, record.key, record.timestamp)
        },
      }
    case 'drop':
      return { types: same, handle: () => undefined }
    default:
      throw new Error(`unknown processor ${step.proc}`)
  }
}

function showRow(found: unknown): string {
  if (typeof found !== 'object' || found === null) return show(found)
  const { value, timestamp } = found as { readonly value: unknown; readonly timestamp: number }
  return `${show(value)}@${timestamp}`
}

function meta(context: ProcessingContext, time: number, headers: Headers | undefined): string {
  const from = context.recordMetadata
  const place = from === undefined ? 'null/-1/-1' : `${from.topic}/${from.partition}/${from.offset}`
  const shown = [...(headers ?? [])].map(({ name, value }) => `${name}=${value === null ? 'null' : value.toString()};`)
  const times = `ts=${time} st=${context.currentStreamTime()} wc=${context.currentSystemTime()}`
  return `${place} ${times} h=${shown.join('').replace(/;$/, '')}`
}

export function processorSupplier(
  step: Step,
  behaviour: Behaviour,
): ProcessorSupplier<unknown, unknown, unknown, unknown> {
  return () => {
    let context: ProcessorContext<unknown, unknown>
    const forward: Forward = (value, key, timestamp, child) => context.forward({ key, value, timestamp }, child)
    return {
      init(given) {
        context = given
        schedule(step, behaviour, context, forward)
      },
      process(record) {
        behaviour.handle(record, forward, context)
      },
    }
  }
}

export function fixedKeyProcessorSupplier(
  step: Step,
  behaviour: Behaviour,
): FixedKeyProcessorSupplier<unknown, unknown, unknown> {
  return () => {
    let handle: (record: ProcessorRecord<unknown, unknown>) => void
    return {
      init(context) {
        const forward: Forward = (value, _key, timestamp) => context.forward({ value, timestamp })
        handle = (record) => behaviour.handle(record, forward, context)
        schedule(step, behaviour, context, forward)
      },
      process(record) {
        handle(record)
      },
    }
  }
}

function schedule(step: Step, behaviour: Behaviour, context: ProcessingContext, forward: Forward): void {
  for (const { tag, intervalMs, clock, startMs, times } of schedulesOf(step)) {
    let fired = 0
    const punctuation = context.schedule(
      intervalMs,
      clock === 'wall' ? 'wall-clock-time' : 'stream-time',
      (timestamp) => {
        behaviour.punctuate?.(timestamp, forward, context, tag)
        if (++fired === times) punctuation.cancel()
      },
      startMs === undefined ? {} : { start: startMs },
    )
  }
}

/** Most steps have one punctuation at most. */
function schedulesOf({ schedules, intervalMs, clock, startMs, times }: Step): readonly ScheduleStep[] {
  if (schedules !== undefined) return schedules
  if (intervalMs === undefined) return []
  return [
    {
      tag: 'P',
      intervalMs,
      ...(clock === undefined ? {} : { clock }),
      ...(startMs === undefined ? {} : { startMs }),
      ...(times === undefined ? {} : { times }),
    },
  ]
}
