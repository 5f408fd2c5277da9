import { expression, joiner } from '../conformance/expressions.ts'
import { joinerFor } from './random-functions.ts'
import { isSimple } from './topology-draft.ts'
import type { Part, TopologyDraft } from './topology-draft.ts'

const JOINS = ['join', 'leftJoin', 'outerJoin'] as const

/** Adds a join. Under `spread` only an inner one: unmatched records come out by the time of other keys. */
export function addStreamJoin(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const left = draft.pick(({ kind, key }) => kind === 'stream' && isSimple(key))
  if (left === undefined) return
  const right = draft.pick(({ kind, key }) => kind === 'stream' && key === left.key)
  if (right === undefined) return
  const op = flavour === 'spread' ? 'join' : random.pick(JOINS)
  const name = joinerFor(random, left.value, right.value, true)
  const before = draft.span(0, 12)
  const after = random.chance(0.15) ? -Math.floor(before / 2) : draft.span(0, 12)
  const store = random.chance(0.3) ? { store: draft.newStoreName() } : {}
  const memory = random.chance(0.2) ? { storeType: 'inMemory' as const } : {}
  const windows = { beforeMs: before, afterMs: after, graceMs: draft.grace() }
  draft.add(
    { op, from: left.id, with: right.id, joiner: name, windows: { type: 'tumbling', ...windows }, ...store, ...memory },
    {
      kind: 'stream',
      key: left.key,
      value: joiner(name, left.value, right.value).type,
      afterTable: eitherAfterTable(left, right),
    },
    [left, right],
  )
}

export function addStreamTableJoin(draft: TopologyDraft): void {
  const { random, flavour } = draft
  const left = draft.pick(({ kind, key }) => kind === 'stream' && isSimple(key))
  if (left === undefined) return
  const right = draft.pick(({ kind, key }) => kind === 'table' && key === left.key)
  if (right === undefined) return
  const op = random.pick(['join', 'leftJoin'])
  const name = joinerFor(random, left.value, right.value, true)
  const isVersionedSource = right.versioned === true && flavour === 'any' && random.chance(0.6)
  const grace = isVersionedSource && op === 'join' ? { graceMs: draft.span(1, 15) } : {}
  draft.add(
    { op, from: left.id, with: right.id, joiner: name, ...grace },
    { kind: 'stream', key: left.key, value: joiner(name, left.value, right.value).type, afterTable: true },
    [left, right],
  )
}

export function addGlobalJoin(draft: TopologyDraft): void {
  const { random } = draft
  const left = draft.pick(({ kind, key }) => kind === 'stream' && isSimple(key))
  const right = draft.pick(({ kind }) => kind === 'globalTable')
  if (left === undefined || right === undefined) return
  const keyFns = ['k', 'v|firstChar', 'v|len', 'v', 'k|append:b'].filter(
    (text) => expression(text, left.key, left.value).type === right.key,
  )
  if (keyFns.length === 0) return
  const name = joinerFor(random, left.value, right.value, true)
  draft.add(
    { op: random.pick(['join', 'leftJoin']), from: left.id, with: right.id, keyFn: random.pick(keyFns), joiner: name },
    {
      kind: 'stream',
      key: left.key,
      value: joiner(name, left.value, right.value).type,
      rekeyed: left.rekeyed === true,
      afterTable: left.afterTable === true,
    },
    [left, right],
  )
}

/** Adds a join by key or by foreign key. */
export function addTableJoin(draft: TopologyDraft): void {
  const { random } = draft
  const isTable = ({ kind, key }: Part): boolean => kind === 'table' && isSimple(key)
  const left = draft.pick(isTable)
  if (left === undefined) return
  const fk = random.pick(
    left.value === 'long' ? ['v|mod:3', 'v|show', 'k'] : ['v|field:0', 'v|firstChar', 'v|len', 'k'],
  )
  const byForeignKey = random.chance(0.4)
  const rightKey = byForeignKey ? expression(fk, left.key, left.value).type : left.key
  // With a common source the deletion of a row finds the other side deleted, too, and an inner join emits nothing.
  const mayShare = draft.flavour !== 'tables'
  const right = draft.pick((part) => isTable(part) && part.key === rightKey && (mayShare || !shareSource(left, part)))
  if (right === undefined) return
  const join = joinerFor(random, left.value, right.value, false)
  const value = joiner(join, left.value, right.value).type
  const name = random.chance(0.6) ? { store: draft.newStoreName() } : undefined
  // An inner join by foreign key emits nothing for a row without a match. If it was deleted just before, the answer to
  // the deletion may be too late to count, and the old result of the row stays, as in Kafka Streams.
  const byForeignKeyOnly = draft.flavour === 'tables' ? (['leftJoin'] as const) : (['join', 'leftJoin'] as const)
  const op = random.pick(byForeignKey ? byForeignKeyOnly : JOINS)
  draft.add(
    {
      op,
      from: left.id,
      with: right.id,
      joiner: join,
      ...(byForeignKey ? { fk } : {}),
      ...name,
      ...(name && draft.storeOptions()),
    },
    { kind: 'table', key: left.key, value, ...name },
    [left, right],
  )
}

function shareSource(a: Part, b: Part): boolean {
  return a.sources?.some((source) => b.sources?.includes(source)) === true
}

function eitherAfterTable(a: Part, b: Part): boolean {
  return a.afterTable === true || b.afterTable === true
}
