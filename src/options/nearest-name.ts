import type { OptionTable } from './option.ts'

/** Returns the option that an unknown name probably means; undefined if none is near. */
export function nearestName(unknown: string, table: OptionTable): string | undefined {
  const wanted = plain(unknown)
  for (const [name, { kafka = [], alsoCalled = [] }] of Object.entries(table))
    if ([name, kafka, alsoCalled].flat().some((each) => plain(each) === wanted)) return name
  return nearestOf(unknown, Object.keys(table))
}

/** Returns the name that an unknown one probably means; undefined if none is near. */
export function nearestOf(unknown: string, names: Iterable<string>): string | undefined {
  const wanted = plain(unknown)
  let nearest: string | undefined
  let least = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const name of names) {
    const known = plain(name)
    if (known === wanted) return name
    const contained = wanted.length > 2 && (known.startsWith(wanted) || wanted.startsWith(known))
    // The shortest of several names that begin with it is the nearest.
    const distance = contained ? 1 + Math.abs(known.length - wanted.length) / 1000 : editDistance(wanted, known)
    if (distance >= least || distance >= Math.max(wanted.length, known.length)) continue
    nearest = name
    least = distance
  }
  return nearest
}

/** Normalizes a name: `session.timeout.ms`, `sessionTimeoutMs` and `session_timeout_ms` are one name. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** Counts the letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let distance = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (before[j - 2] ?? 0) + 1)
      }
      current.push(distance)
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}
