import type {
  KeyValueStore,
  SessionStore,
  TimestampedKeyValueStore,
  VersionedKeyValueStore,
  WindowStore,
} from '../../src/index.ts'
import type { TopologyTestDriver } from '../../src/testing/index.ts'
import type { Scalar, Scenario } from './scenario.ts'

type Rows = (readonly unknown[] | null)[]

/** The rows of every store that a user could ask for, as scenarios show them. */
export function shownStores(
  driver: TopologyTestDriver,
  scenario: Pick<Scenario, 'inputs' | 'probes'>,
  partition = 0,
): Record<string, Rows> {
  const stores: Record<string, Rows> = {}
  const keys = inputKeys(scenario)
  for (const [name, { spec }] of driver.topology.stores) {
    switch (spec.kind) {
      case 'keyValue':
        stores[name] = spec.timestamped ? timestampedRows(driver, name, partition) : plainRows(driver, name, partition)
        break
      case 'versioned':
        stores[name] = keys.flatMap((key) => {
          const found = driver.store<VersionedKeyValueStore<Scalar, unknown>>(name, partition).get(key)
          return found === undefined ? [] : [[key, found.value, found.timestamp]]
        })
        break
      case 'window': {
        if (spec.retainDuplicates) break
        const rows: Rows = []
        for (const { key, start, end, value, timestamp } of driver
          .store<WindowStore<Scalar, unknown>>(name, partition)
          .all()) {
          rows.push([{ key, start, end }, value, timestamp])
        }
        stores[name] = rows
        break
      }
      case 'session': {
        const rows: Rows = []
        for (const { key, start, end, value } of driver
          .store<SessionStore<Scalar, unknown>>(name, partition)
          .findByEnd(0, Infinity)) {
          rows.push([{ key, start, end }, value])
        }
        stores[name] = rows
        break
      }
    }
  }
  const { probes } = scenario
  if (probes === undefined) return stores
  stores['$probes'] = probes.map(({ store, key, asOf }) => {
    const found = driver.store<VersionedKeyValueStore<Scalar, unknown>>(store).get(key, asOf)
    return found === undefined ? null : [found.value, found.timestamp]
  })
  return stores
}

function timestampedRows(driver: TopologyTestDriver, name: string, partition: number): Rows {
  const rows: Rows = []
  for (const { key, value } of driver.store<TimestampedKeyValueStore<Scalar, unknown>>(name, partition).all()) {
    rows.push([key, value.value, value.timestamp])
  }
  return rows
}

function plainRows(driver: TopologyTestDriver, name: string, partition: number): Rows {
  const rows: Rows = []
  for (const { key, value } of driver.store<KeyValueStore<Scalar, unknown>>(name, partition).all())
    rows.push([key, value])
  return rows
}

function inputKeys({ inputs }: Pick<Scenario, 'inputs'>): Scalar[] {
  const keys = new Set<Scalar>()
  for (const input of inputs) if ('key' in input && input.key !== null) keys.add(input.key)
  return [...keys]
}
