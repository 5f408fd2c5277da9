import { expression } from '../conformance/expressions.ts'
import type { Step } from '../conformance/scenario.ts'
import { keyFunction, predicate, valueFunction } from './random-functions.ts'
import { isSimple } from './topology-draft.ts'
import type { Part, TopologyDraft } from './topology-draft.ts'

export function addStateless(draft: TopologyDraft): void {
  const { random } = draft
  const from = draft.pick(({ kind }) => kind === 'stream')
  if (from === undefined) return
  const { key, value } = from
  const add = (step: Omit<Step, 'id' | 'from'>, change: Partial<Omit<Part, 'id'>> = {}): void =>
    draft.add({ ...step, from: from.id }, { ...streamOf(from), ...change }, [from])
  switch (random.below(10)) {
    case 0:
      return add({ op: random.pick(['filter', 'filterNot']), pred: predicate(random, key, value, true) })
    case 1:
    case 2: {
      const fn = valueFunction(random, value, true)
      return add({ op: 'mapValues', fn }, { value: expression(fn, key, value).type })
    }
    case 3: {
      const fn = valueFunction(random, value, true)
      const keyFn = keyFunction(random, key, value)
      const types = { key: expression(keyFn, key, value).type, value: expression(fn, key, value).type }
      return add({ op: 'map', keyFn, fn }, { ...types, rekeyed: true })
    }
    case 4: {
      const keyFn = keyFunction(random, key, value)
      return add({ op: 'selectKey', keyFn }, { key: expression(keyFn, key, value).type, rekeyed: true })
    }
    case 5: {
      if (value !== 'string') return add({ op: 'flatMapValues', list: 'v|dup' })
      const keyFn = random.pick(['v', 'v|append:f', 'k'])
      const fn = random.pick(['v', 'v|len'])
      const types = { key: expression(keyFn, key, value).type, value: expression(fn, key, value).type }
      return add({ op: 'flatMap', list: 'v|splitComma', keyFn, fn }, { ...types, rekeyed: true })
    }
    case 6:
      return add({ op: 'flatMapValues', list: value === 'string' ? 'v|splitChars' : 'v|dup' })
    case 7:
      return addMerge(draft, from)
    case 8:
      return isSimple(key) ? add({ op: 'repartition' }, { rekeyed: false }) : add({ op: 'peek' })
    default:
      return addToTable(draft, from)
  }
}

function streamOf({ kind, key, value, rekeyed, afterTable }: Part): Omit<Part, 'id'> {
  return { kind, key, value, rekeyed: rekeyed === true, afterTable: afterTable === true }
}

function addMerge(draft: TopologyDraft, from: Part): void {
  const other = draft.pick(
    ({ id, kind, key, value }) =>
      kind === 'stream' && id !== from.id && key === from.key && value === from.value && typeof key === 'string',
  )
  if (other === undefined) return
  const rekeyed = from.rekeyed === true || other.rekeyed === true
  draft.add({ op: 'merge', from: [from.id, other.id] }, { ...streamOf(from), rekeyed }, [from, other])
}

function addToTable(draft: TopologyDraft, from: Part): void {
  const { key, value } = from
  if (!isSimple(key)) return
  const versioned = key === 'string' && draft.flavour === 'any' && draft.random.chance(0.15)
  const stored = versioned ? { store: draft.newStoreName(), historyMs: draft.span(20, 200) } : draft.materialization()
  const part = {
    kind: 'table',
    key,
    value,
    versioned,
    ...(versioned || stored.store === undefined ? {} : { store: stored.store }),
  } as const
  draft.add({ op: 'toTable', from: from.id, ...stored }, part, [from])
}

export function addSplit(draft: TopologyDraft): void {
  const from = draft.pick(({ kind }) => kind === 'stream')
  if (from === undefined) return
  const id = draft.id()
  const branches = [{ id: `${id}a`, pred: predicate(draft.random, from.key, from.value, true) }]
  const rest = draft.random.chance(0.7) ? { default: { id: `${id}b` } } : {}
  draft.addInner({ op: 'split', from: from.id, branches, ...rest }, from)
  draft.parts.push({ ...streamOf(from), id: `${id}a` })
  if (rest.default !== undefined) draft.parts.push({ ...streamOf(from), id: `${id}b` })
}

export function addProcessor(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const spread = flavour === 'spread'
  const any = draft.pick(
    ({ kind, key, rekeyed }) => kind === 'stream' && isSimple(key) && !(spread && rekeyed === true),
  )
  if (any === undefined) return
  // Stores refuse null keys.
  draft.add({ op: 'filter', from: any.id, pred: 'k|notNull' }, streamOf(any), [any])
  const from = draft.parts.at(-1) ?? any
  const fixed = random.chance(0.4)
  const { key } = from
  const add = (step: Omit<Step, 'id' | 'from' | 'op'>, types: Partial<Pick<Part, 'key' | 'value'>> = {}): void =>
    draft.add(
      { op: fixed ? 'processValues' : 'process', from: from.id, ...step },
      { ...streamOf(from), ...types, rekeyed: from.rekeyed === true || !fixed },
      [from],
    )
  const simple = ['dedupe', 'twice', 'addHeader', 'drop'] as const
  const proc =
    spread || (fixed && random.chance(0.5))
      ? random.pick(simple)
      : random.pick([...simple, 'meta', 'shiftTs', 'buffer', 'countPunctuate', 'punctuateLog', 'lookup'] as const)
  const interval = { intervalMs: draft.span(1, 20), clock: random.pick(['stream', 'stream', 'wall'] as const) }
  switch (proc) {
    case 'dedupe':
      return add({ proc, store: draft.newStoreName() })
    case 'addHeader':
      return add({ proc, name: 'added', fn: 'v' })
    case 'shiftTs':
      return add({ proc, ms: draft.span(0, 10) })
    case 'meta':
      return add({ proc }, { value: 'string' })
    case 'buffer':
      return fixed ? add({ proc: 'twice' }) : add({ proc, store: draft.newStoreName(), ...interval })
    case 'countPunctuate':
      return fixed ? add({ proc: 'twice' }) : add({ proc, store: draft.newStoreName(), ...interval }, { value: 'long' })
    case 'punctuateLog':
      return fixed
        ? add({ proc: 'meta' }, { value: 'string' })
        : add({ proc, ...interval }, { key: 'string', value: 'string' })
    case 'lookup': {
      const table = draft.pick((part) => part.kind === 'table' && part.store !== undefined && part.key === key)
      return table?.store === undefined ? undefined : add({ proc, store: table.store }, { value: 'string' })
    }
    default:
      return add({ proc })
  }
}
