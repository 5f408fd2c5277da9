import { Headers } from '../../src/record/headers.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { EXACT_OUTPUTS, FINAL_OUTPUTS } from './app.ts'
import { PARTITIONS } from './world.ts'
import type { RunningProcess } from './world.ts'

/** Rows by name, which must be the same whatever happened on the way. */
export type Observation = ReadonlyMap<string, readonly string[]>

const NONE = new Headers()

/** Returns what a reader of committed records sees in the output topics: the updates of each key, or the last one. */
export function observeOutputs(log: LocalLog): Observation {
  const seen = new Map<string, readonly string[]>()
  for (const { name } of EXACT_OUTPUTS) {
    for (const [key, updates] of updatesOf(log, name)) seen.set(`${name} ${key}`, updates)
  }
  for (const { name } of FINAL_OUTPUTS) {
    for (const [key, updates] of updatesOf(log, name)) seen.set(`${name} ${key}`, updates.slice(-1))
  }
  return seen
}

function updatesOf(log: LocalLog, topic: string): Map<string, string[]> {
  const updates = new Map<string, string[]>()
  const reader = log.openReader()
  for (let partition = 0; partition < PARTITIONS; partition++) reader.assign(topic, partition, 0)
  const poll = (): number =>
    reader.poll((_topic, partition, cursor) => {
      while (cursor.next()) {
        const key = `${partition} ${cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)}`
        const value =
          cursor.valueStart < 0 ? 'null' : cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd)
        const of = updates.get(key) ?? []
        of.push(`${value} at ${cursor.timestamp}${cursor.headers(NONE).length > 0 ? ' with headers' : ''}`)
        updates.set(key, of)
      }
    })
  while (poll() > 0);
  void reader.close()
  return updates
}

interface Scannable {
  all(): Iterable<unknown>
}

/** Returns the rows of every store, of all processes together. */
export function observeStores(running: readonly RunningProcess[]): Observation {
  const seen = new Map<string, readonly string[]>()
  for (const { streams } of running) {
    for (const name of streams?.topology.stores.keys() ?? []) {
      const rows: string[] = []
      for (const store of streams?.stores<unknown>(name) ?? []) {
        if (isScannable(store)) for (const row of store.all()) rows.push(JSON.stringify(row))
      }
      seen.set(name, [...(seen.get(name) ?? []), ...rows].sort())
    }
  }
  return seen
}

function isScannable(store: unknown): store is Scannable {
  return typeof store === 'object' && store !== null && 'all' in store
}

/** Describes each difference. */
export function differences(what: string, actual: Observation, expected: Observation): string[] {
  const found: string[] = []
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const [left, right] = [actual.get(name) ?? [], expected.get(name) ?? []]
    if (left.join('\n') === right.join('\n')) continue
    found.push(
      `${what} ${name}:\n  is        ${left.join('\n            ')}\n  should be ${right.join('\n            ')}`,
    )
  }
  return found
}
