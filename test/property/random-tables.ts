import { expression } from '../conformance/expressions.ts'
import { keyFunction, predicate, valueFunction } from './random-functions.ts'
import { isSimple } from './topology-draft.ts'
import type { TopologyDraft } from './topology-draft.ts'

/** Adds a filter, mapValues, transformValues or toStream. */
export function addTableStep(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const from = draft.pick(({ kind }) => kind === 'table')
  if (from === undefined) return
  const { key, value, versioned = false } = from
  const stored = random.chance(0.3) ? { store: draft.newStoreName() } : {}
  const isNamed = stored.store !== undefined
  const part = {
    kind: 'table',
    key,
    versioned: versioned && !isNamed,
    ...(isNamed && isSimple(key) ? { store: stored.store } : {}),
  } as const
  // A skipped update leaves the one before, which depends on the cache.
  const mayThrow = flavour !== 'tables'
  switch (random.below(4)) {
    case 0: {
      const op = random.pick(['filter', 'filterNot'])
      return draft.add(
        { op, from: from.id, pred: predicate(random, key, value, mayThrow), ...stored },
        { ...part, value },
        [from],
      )
    }
    case 1:
    case 2: {
      const fn = valueFunction(random, value, mayThrow)
      // A transformer gives tombstones a value, and a cache drops those of keys that never were.
      const op = flavour === 'tables' ? 'mapValues' : random.pick(['mapValues', 'transformValues'])
      return draft.add({ op, from: from.id, fn, ...stored }, { ...part, value: expression(fn, key, value).type }, [
        from,
      ])
    }
    default: {
      if (flavour === 'tables') return
      const keyFn = random.chance(0.4) ? { keyFn: keyFunction(random, key, value) } : {}
      const type = keyFn.keyFn === undefined ? key : expression(keyFn.keyFn, key, value).type
      const rekeyed = keyFn.keyFn !== undefined
      return draft.add(
        { op: 'toStream', from: from.id, ...keyFn },
        { kind: 'stream', key: type, value, rekeyed, afterTable: true },
        [from],
      )
    }
  }
}

/** Adds a grouping and an aggregation with a subtractor. Under `tables` and `spread` no order may change the result. */
export function addTableGroup(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const from = draft.pick(({ kind }) => kind === 'table')
  if (from === undefined) return
  const keyFn = keyFunction(random, from.key, from.value)
  const key = expression(keyFn, from.key, from.value).type
  if (!isSimple(key)) return
  const grouped = draft.addInner({ op: 'groupBy', from: from.id, keyFn, fn: 'v' }, from)
  const stored = draft.materialization()
  // A cache may hide a group: its count is then missing instead of 0, so no other step reads it.
  const isEnd = flavour === 'tables'
  const part = { kind: 'table', key, isEnd, ...(stored.store === undefined ? {} : { store: stored.store }) } as const
  const anyOrder = flavour === 'tables' || flavour === 'spread'
  const kind = random.below(anyOrder && from.value !== 'long' ? 1 : 3)
  if (kind === 0) return draft.add({ op: 'count', from: grouped, ...stored }, { ...part, value: 'long' }, [from])
  if (kind === 1) {
    const functions =
      from.value === 'long' ? { reducer: 'sum', subtractor: 'sub' } : { reducer: 'concat', subtractor: 'minus' }
    return draft.add({ op: 'reduce', from: grouped, ...functions, ...stored }, { ...part, value: from.value }, [from])
  }
  const functions =
    from.value === 'long' && (anyOrder || random.chance(0.5))
      ? { init: 0, agg: 'sum', subtractor: 'sub' }
      : { init: 'i', agg: 'plus', subtractor: 'minus' }
  draft.add(
    { op: 'aggregate', from: grouped, ...functions, ...stored },
    { ...part, value: functions.init === 0 ? 'long' : 'string' },
    [from],
  )
}

export function addSuppress(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const closing = random.chance(0.6) || flavour === 'tables'
  const from = draft.pick(
    ({ kind, versioned, windows }) =>
      kind === 'table' &&
      versioned !== true &&
      (closing ? windows !== undefined && windows.type !== 'unlimited' : true),
  )
  if (from === undefined) return
  const part = { kind: 'table', key: from.key, value: from.value } as const
  if (closing) return draft.add({ op: 'suppress', from: from.id, mode: 'windowClose' }, part, [from])
  const buffer = random.chance(0.4) ? { buffer: { maxRecords: 1 + random.below(3) } } : {}
  draft.add({ op: 'suppress', from: from.id, mode: 'timeLimit', ms: draft.span(0, 20), ...buffer }, part, [from])
}
