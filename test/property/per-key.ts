/** Groups lines of `<topic>/<partition>` by topic and key: the order of different keys does not count. */
export function byKey(outputs: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const keys = new Map<string, string[]>()
  for (const [place, lines] of outputs) {
    for (const line of lines) {
      const name = `${withoutPartition(place)} ${line.slice(0, line.indexOf(' = '))}`
      keys.set(name, [...(keys.get(name) ?? []), line])
    }
  }
  return keys
}

/** Groups rows of `<store>/<partition>` by store, without subscriptions of foreign-key joins: they hold partitions. */
export function finalTables(stores: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const tables = new Map<string, string[]>()
  for (const [place, rows] of stores) {
    if (place.includes('SUBSCRIPTION')) continue
    const name = withoutPartition(place)
    tables.set(name, [...(tables.get(name) ?? []), ...rows].sort())
  }
  return tables
}

/** Returns the last value of each key, without its timestamp, and leaves out deleted keys and empty groups. */
export function lastValues(outputs: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [place, lines] of outputs) {
    const last = new Map(lines.map((line) => [line.slice(0, line.indexOf(' = ')), line.slice(0, line.indexOf(' @'))]))
    values.set(place, [...last.values()].filter((line) => !/ = (null|0)$/.test(line)).sort())
  }
  return values
}

function withoutPartition(place: string): string {
  return place.slice(0, place.lastIndexOf('/'))
}
