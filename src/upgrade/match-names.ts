import { isGenerated, kindOfName } from './described.ts'

/** What a name stands for, told apart from others coarsely or finely. */
export type OriginOf = (name: string, onTheWay: boolean) => string

/** One side of an upgrade: its names, and what each stands for. */
export interface Named {
  readonly names: Iterable<string>
  readonly originOf: OriginOf
}

/** The names of one thing; null: the version does not have it. */
export type NamePair = readonly [before: string | null, after: string | null]

/**
 * Pairs the names of an old version with those of a new one. A name that was given is the same thing wherever it is. A
 * generated one may belong to another operator than before: what the two stand for decides, where that is clear, before
 * the name does. What is left over is paired by its kind in the order of the numbers, as the check at the start of an
 * application does.
 */
export function matchNames(old: Named, now: Named): NamePair[] {
  const before = new Set(old.names)
  const after = new Set(now.names)
  const pairs: NamePair[] = []
  const pair = (one: string, other: string): void => {
    before.delete(one)
    after.delete(other)
    pairs.push([one, other])
  }
  const pairEqual = (isOne: (name: string) => boolean): void => {
    for (const name of before) if (after.has(name) && isOne(name)) pair(name, name)
  }
  const pairByOrigin = (onTheWay: boolean, isOne: (name: string) => boolean): void => {
    const ones = alone(before, (name) => old.originOf(name, onTheWay), isOne)
    const others = alone(after, (name) => now.originOf(name, onTheWay), isOne)
    for (const [origin, name] of ones) {
      const other = others.get(origin)
      if (name !== null && typeof other === 'string') pair(name, other)
    }
  }

  pairEqual((name) => !isGenerated(name))
  pairByOrigin(true, isGenerated)
  pairEqual(() => true)
  pairByOrigin(false, isGenerated)
  for (const [kind, names] of byKind(before)) {
    const others = byKind(after).get(kind) ?? []
    names.slice(0, others.length).forEach((name, i) => pair(name, others[i]!))
  }
  pairByOrigin(true, () => true)
  return [
    ...pairs,
    ...[...before].map((name): NamePair => [name, null]),
    ...[...after].map((name): NamePair => [null, name]),
  ]
}

/** Returns the names by their origins; null where several names have the same one. */
function alone(
  names: Iterable<string>,
  originOf: (name: string) => string,
  isOne: (name: string) => boolean,
): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>()
  for (const name of names) {
    if (!isOne(name)) continue
    const origin = originOf(name)
    found.set(origin, found.has(origin) ? null : name)
  }
  return found
}

function byKind(names: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy([...names].filter(isGenerated).toSorted(), kindOfName)
}
