import { aggregator, expression } from '../conformance/expressions.ts'
import type { DataType } from '../conformance/expressions.ts'
import type { Step, WindowsStep } from '../conformance/scenario.ts'
import { windowedType, windowsOf } from '../conformance/step-options.ts'
import { aggregatorFor, keyFunction, reducerFor } from './random-functions.ts'
import { isSimple } from './topology-draft.ts'
import type { Part, TopologyDraft } from './topology-draft.ts'

/** Adds a grouping, with or without windows, and a count, reduce or aggregate. */
export function addAggregation(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const from = draft.pick(
    ({ kind, key, afterTable }) => kind === 'stream' && isSimple(key) && !(flavour === 'tables' && afterTable === true),
  )
  if (from === undefined) return
  const grouped = group(draft, from)
  if (grouped === undefined) return
  const { id, key } = grouped
  if (random.chance(0.35)) {
    const { step, value } = fold(draft, from.value)
    const stored = draft.materialization()
    const part = { kind: 'table', key, value, ...(stored.store === undefined ? {} : { store: stored.store }) } as const
    draft.add({ ...step, from: id, ...stored }, part, [from])
    return
  }
  const windows = draft.windows()
  const mayClose = windows.type !== 'unlimited' && flavour !== 'spread' && flavour !== 'tables'
  const emit = mayClose && random.chance(0.25) ? { emit: 'close' as const } : {}
  const windowed = draft.addInner({ op: 'windowedBy', from: id, windows, ...emit }, undefined)
  const { step, value } = fold(draft, from.value)
  const merger = windows.type === 'session' && step.op === 'aggregate' ? mergerFor(step.agg ?? '') : {}
  const windowedKey = windowedType(key, windowsOf(windows))
  const more = windows.type === 'unlimited' ? withoutMemory(draft.materialization()) : draft.materialization()
  // A cache drops the deletion of a window that never was, and suppress does not learn its time.
  const mayDelete = `${step.agg} ${step.reducer}`.includes('Null')
  const suppressible = emit.emit === undefined && !(flavour === 'tables' && mayDelete)
  const part = { kind: 'table', key: windowedKey, value, ...(suppressible ? { windows } : {}) } as const
  draft.add({ ...step, from: windowed, ...merger, ...more, ...retention(draft, windows) }, part, [from])
}

function withoutMemory({ store, caching }: Pick<Step, 'store' | 'caching'>): Pick<Step, 'store' | 'caching'> {
  return { ...(store === undefined ? {} : { store }), ...(caching === undefined ? {} : { caching }) }
}

/** Returns a retention that is sometimes longer than it has to be. */
function retention(
  draft: TopologyDraft,
  { type, sizeMs = 0, diffMs = 0, gapMs = 0, graceMs = 0 }: WindowsStep,
): Pick<Step, 'retentionMs'> {
  if (type === 'unlimited' || !draft.random.chance(0.2)) return {}
  return { retentionMs: Math.max(sizeMs, 2 * diffMs, gapMs) + graceMs + draft.span(1, 100) }
}

function group(draft: TopologyDraft, from: Part): { readonly id: string; readonly key: DataType } | undefined {
  if (draft.random.chance(0.6)) return { id: draft.addInner({ op: 'groupByKey', from: from.id }, from), key: from.key }
  const keyFn = keyFunction(draft.random, from.key, from.value)
  const key = expression(keyFn, from.key, from.value).type
  return isSimple(key) ? { id: draft.addInner({ op: 'groupBy', from: from.id, keyFn }, from), key } : undefined
}

function fold(
  draft: TopologyDraft,
  valueType: DataType,
): { readonly step: Omit<Step, 'id' | 'from'>; readonly value: DataType } {
  const { random } = draft
  switch (random.below(3)) {
    case 0:
      return { step: { op: 'count' }, value: 'long' }
    case 1:
      return { step: { op: 'reduce', reducer: reducerFor(random, valueType) }, value: valueType }
    default: {
      const { agg, init } = aggregatorFor(random, valueType)
      return { step: { op: 'aggregate', agg, init }, value: aggregator(agg).type }
    }
  }
}

function mergerFor(agg: string): Pick<Step, 'merger'> {
  return { merger: aggregator(agg).type === 'long' ? 'sum' : agg === 'keyed' ? 'keyed' : 'concat' }
}

/** Adds an aggregation of two grouped streams into one table. */
export function addCogroup(draft: TopologyDraft): void {
  const from = draft.pick(({ kind, key }) => kind === 'stream' && isSimple(key))
  if (from === undefined) return
  const other = draft.pick(({ kind, key, id }) => kind === 'stream' && key === from.key && id !== from.id)
  if (other === undefined) return
  const agg = draft.random.pick(['plus', 'keyed', 'count'])
  const value = aggregator(agg).type
  // Two unnamed repartition topics of one named store would have one name.
  const inputs = [from, other].map((part) => ({
    from: draft.addInner({ op: 'groupByKey', from: part.id, named: `group-${draft.id()}` }, part),
    agg,
  }))
  const cogrouped = draft.addInner({ op: 'cogroup', inputs }, undefined)
  const init = value === 'long' ? 0 : 'i'
  if (draft.random.chance(0.5)) {
    draft.add(
      { op: 'aggregate', from: cogrouped, init, ...draft.materialization() },
      { kind: 'table', key: from.key, value },
      [from, other],
    )
    return
  }
  const windows = draft.windows()
  const windowed = draft.addInner({ op: 'windowedBy', from: cogrouped, windows }, undefined)
  const key = windowedType(from.key, windowsOf(windows))
  const merger = windows.type === 'session' ? mergerFor(agg) : {}
  const stored = windows.type === 'unlimited' ? withoutMemory(draft.materialization()) : draft.materialization()
  draft.add({ op: 'aggregate', from: windowed, init, ...merger, ...stored }, { kind: 'table', key, value, windows }, [
    from,
    other,
  ])
}
