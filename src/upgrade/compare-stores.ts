import type { StoreJson } from '../topology/describe/describe-json.ts'
import { isGenerated, type Described } from './described.ts'
import { matchNames } from './match-names.ts'
import { changeOf, type UpgradeChange } from './plan.ts'

/** What is different about a store of the same name, in one clause, and whether its rows are lost. */
interface Difference {
  readonly text: string
  readonly losesState: boolean
  readonly hint?: string
}

/** Finds the stores that a new version keeps, loses, renumbers and changes. */
export function compareStores(old: Described, now: Described): UpgradeChange[] {
  const pairs = matchNames(
    { names: old.stores.keys(), originOf: (name, onTheWay) => old.originOfStore(name, onTheWay) },
    { names: now.stores.keys(), originOf: (name, onTheWay) => now.originOfStore(name, onTheWay) },
  )
  return pairs.map(([before, after]) => {
    const one = before === null ? undefined : old.stores.get(before)
    const other = after === null ? undefined : now.stores.get(after)
    if (other === undefined) return lost(one!, old)
    if (one === undefined) return added(other, old, now)
    return one.name === other.name ? compared(one, other, old) : moved(one, other, old, now)
  })
}

function lost(store: StoreJson, old: Described): UpgradeChange {
  const topic = old.changelogOf(store)
  const isKept = store.changelog !== 'own'
  return changeOf({
    subject: 'store',
    change: 'lost',
    before: store.name,
    topic,
    losesState: !isKept || topic === null,
    text: isKept
      ? 'the new version has no store of this name, and none that holds the same'
      : `the new version has no store of this name, and none that holds the same: ${topic} stays behind`,
    hint: store.changelog === 'own' ? `If nobody needs it, delete the topic ${topic} after the upgrade.` : null,
  })
}

function added(store: StoreJson, old: Described, now: Described): UpgradeChange {
  const takesOver = old.stores.has(store.name)
  return changeOf({
    subject: 'store',
    change: 'added',
    after: store.name,
    topic: takesOver ? now.changelogOf(store) : null,
    losesState: takesOver,
    text: takesOver
      ? 'the new version has another store under this name: it would take the rows of the old one for its own'
      : 'it begins empty: records that were processed before are not read again',
    hint: takesOver ? nameHint(store, now, undefined) : null,
  })
}

function moved(one: StoreJson, other: StoreJson, old: Described, now: Described): UpgradeChange {
  const topic = old.changelogOf(one)
  const isRebuilt = other.changelog !== null && other.changelog !== 'own'
  const takesOver = old.stores.has(other.name)
  const fate = isRebuilt
    ? `it is rebuilt from ${now.changelogOf(other)}`
    : takesOver
      ? 'it would take the rows of another store for its own'
      : 'it begins empty'
  return changeOf({
    subject: 'store',
    change: isGenerated(one.name) && isGenerated(other.name) ? 'renumbered' : 'renamed',
    before: one.name,
    after: other.name,
    topic,
    losesState: !isRebuilt || takesOver,
    text: `it is called ${other.name} now: ${fate}${one.changelog === 'own' ? `, and ${topic} stays behind` : ''}`,
    hint: nameHint(other, now, one.name),
  })
}

/** @param name what to call it, if that is known */
function nameHint(store: StoreJson, now: Described, name: string | undefined): string {
  const [user] = now.usersOf(store.name)
  const operator = user === undefined ? 'the operator' : `the operator ${user.name} (${user.operator})`
  if (name === undefined) return `Give ${operator} a store name of its own, by the option store.`
  return `Name the store of ${operator} as it was: store: '${name}'.`
}

function compared(one: StoreJson, other: StoreJson, old: Described): UpgradeChange {
  const differences = differencesOf(one, other)
  return changeOf({
    subject: 'store',
    change: differences.length === 0 ? 'kept' : 'changed',
    before: one.name,
    after: other.name,
    topic: old.changelogOf(one),
    losesState: differences.some(({ losesState }) => losesState),
    text: differences.map(({ text }) => text).join('; '),
    hint: differences.flatMap(({ hint }) => hint ?? []).join(' ') || null,
  })
}

function differencesOf(one: StoreJson, other: StoreJson): Difference[] {
  if (one.kind !== other.kind) {
    return [
      {
        text: `it was of kind ${one.kind} and is of kind ${other.kind}, whose rows are others`,
        losesState: true,
        hint: 'Give the new store another name.',
      },
    ]
  }
  return [keys(one, other), values(one, other), windows(one, other), ...layouts(one, other), changelog(one, other)]
    .flat()
    .filter((difference) => difference !== undefined)
}

function keys(one: StoreJson, other: StoreJson): Difference | undefined {
  if (one.keySerde === other.keySerde) return undefined
  return {
    text: `keys were written by the serde ${one.keySerde} and are by ${other.keySerde}: no row is found again`,
    losesState: true,
    hint: 'Give the new store another name.',
  }
}

function values(one: StoreJson, other: StoreJson): Difference | undefined {
  const [was, is] = [one.version ?? 0, other.version ?? 0]
  if (was !== is) return versions(was, one.readsUpTo ?? was, is, other.readsUpTo ?? is)
  if (one.valueSerde === other.valueSerde) return undefined
  return {
    text: `values were written by the serde ${one.valueSerde} and are by ${other.valueSerde}, which may not read them`,
    losesState: true,
    hint: `Give the store { version: ${is + 1}, migrate, serdes: { ${is}: … } }, or the new store another name.`,
  }
}

function versions(was: number, oldReads: number, is: number, nowReads: number): Difference {
  if (was > nowReads) {
    return {
      text: `values are of version ${was}, and are of version ${is} now, which does not read them`,
      losesState: true,
      hint: `Give the store version ${was + 1}, whose migrate() leads back, or readsUpTo: ${was}.`,
    }
  }
  const text = `values of version ${was} are migrated to version ${is} whenever they are read`
  if (oldReads >= is) return { text, losesState: false }
  return {
    text: `${text}; an instance of the old version that gets a task with values of version ${is} ends`,
    losesState: false,
    hint: `Where it must not, release the old version with readsUpTo: ${is} first.`,
  }
}

function windows(one: StoreJson, other: StoreJson): Difference | undefined {
  const [was, is] = [one.windowSize, other.windowSize]
  if (was === undefined || is === undefined || was === is) return undefined
  return {
    text: `windows were ${was} ms long and are ${is} ms: rows know the start of their window alone`,
    losesState: true,
    hint: 'Give the new store another name.',
  }
}

/** What makes a store be restored from its changelog, and loses nothing. */
function layouts(one: StoreJson, other: StoreJson): (Difference | undefined)[] {
  const of = (name: 'retention' | 'historyRetention' | 'timestamped' | 'persistent', text: string) => {
    const [was, is] = [one[name], other[name]]
    if (was === undefined || is === undefined || was === is) return undefined
    return { text: `${text} (${was} before, ${is} now): it is restored from its changelog`, losesState: false }
  }
  const timed = of('retention', 'rows are kept for another time, ms')
  const hint = 'The changelog topic keeps its configs: `millrace topics alter` sets its retention.ms.'
  return [
    timed === undefined || one.changelog !== 'own' ? timed : { ...timed, hint },
    of('historyRetention', 'versions are kept for another time, ms'),
    of('timestamped', 'rows have a timestamp, or have none any more'),
    of('persistent', 'it is on disk, or is not any more'),
  ]
}

function changelog(one: StoreJson, other: StoreJson): Difference | undefined {
  const [was, is] = [textOf(one), textOf(other)]
  if (was === is) return undefined
  const change = `it was rebuilt from ${was} and is from ${is}`
  if (other.changelog === null) {
    return { text: `${change}: what it holds is lost with its disk, or when its task moves`, losesState: false }
  }
  if (one.changelog === 'own') return { text: `${change}: its changelog is not needed any more`, losesState: false }
  return { text: `${change}, which does not have its rows`, losesState: true, hint: 'Keep the old way.' }
}

function textOf({ changelog }: StoreJson): string {
  if (changelog === null) return 'nothing'
  return changelog === 'own' ? 'its own changelog' : `the topic ${changelog.topic}`
}
