import { setTimeout as sleep } from 'node:timers/promises'
import {
  defineApp,
  json,
  joinWindow,
  keyValueStore,
  long,
  readTopic,
  session,
  sessionWindowed,
  sliding,
  Streams,
  string,
  topic,
  TopicWriter,
  tumbling,
  untilWindowCloses,
  windowed,
} from 'millrace'
import type { Application, KeyValueStore, Log, Logger, ProcessorContext, StreamsOptions } from 'millrace'

/*
 * An application with every kind of store, its input in rounds, and its output. The fixtures have rounds 0 and 1 as the
 * release of their name left them; today's code goes on with round 2.
 */

interface Order {
  readonly id: number
  readonly cents: number
  readonly country: string
}

export const WINDOW = 10_000
const ROUNDS = 3
const ORDERS_PER_ROUND = 40
const PARTITIONS = 2
const START = 1_700_000_000_000

const orders = topic('orders', { key: string(), value: json<Order>() })
const parcels = topic('parcels', { key: string(), value: json<Order>() })
const customers = topic('customers', { key: string(), value: string(), tombstones: true })
const countries = topic('countries', { key: string(), value: string() })
const removed = topic('removed', { key: string(), value: string() })
const text = (name: string) => topic(name, { key: string(), value: string(), tombstones: true })

const totals = text('totals')
const windows = topic('windows', { key: windowed(string(), WINDOW), value: long() })
const finals = topic('finals', { key: windowed(string(), WINDOW), value: long() })
const closed = topic('closed', { key: windowed(string(), WINDOW), value: long() })
const visits = topic('visits', { key: sessionWindowed(string()), value: long(), tombstones: true })
const nearby = topic('nearby', { key: windowed(string(), WINDOW), value: long() })
const sent = text('sent')
const named = text('named')
const placed = text('placed')
const firsts = text('firsts')
const byCountry = text('by-country')
const OUTPUTS = [totals, windows, finals, closed, visits, nearby, sent, named, placed, firsts, byCountry] as const
/** The buffer of `suppress`, which is restored at every start. */
const HELD_IN_MEMORY = 'finals-store'

/** @param logger notified of what the library had to delete or rebuild */
export function shop(logger: Logger): Application {
  return defineApp({
    id: 'shop',
    commitInterval: 10,
    // With caches, the output would depend on the times of commits.
    cacheBytes: 0,
    logger,
    build: (builder) => {
      const stream = builder.stream(orders)
      const table = builder.table(customers, { store: 'customers' })
      const lands = builder.globalTable(countries, { store: 'countries' })
      const grouped = stream.groupByKey()
      grouped
        .aggregate(
          () => 0,
          (sum, { cents }) => sum + cents,
          { store: 'totals', value: json<number>() },
        )
        .mapValues((sum) => String(sum))
        .toStream()
        .to(totals)
      const inWindows = grouped.windowedBy(tumbling(WINDOW, { grace: 1000 }))
      inWindows.count({ store: 'windows' }).toStream().to(windows)
      inWindows
        .count({ store: 'before-finals' })
        .suppress(untilWindowCloses(), { name: 'finals' })
        .toStream()
        .to(finals)
      inWindows.emitOnClose().count({ store: 'closed' }).toStream().to(closed)
      grouped
        .windowedBy(session(1500, { grace: 1000 }))
        .count({ store: 'visits' })
        .toStream()
        .to(visits)
      grouped
        .windowedBy(sliding(WINDOW, { grace: 1000 }))
        .count({ store: 'nearby' })
        .toStream()
        .to(nearby)
      stream
        .outerJoin(
          builder.stream(parcels),
          (order, parcel) => `${order?.id ?? '-'}+${parcel?.id ?? '-'}`,
          joinWindow({ before: 500, after: 500, grace: 100 }),
          { store: 'sent', name: 'sent' },
        )
        .to(sent)
      stream.leftJoin(table, (order, customer) => `${order.id} of ${customer ?? '-'}`).to(named)
      stream
        .join(
          lands,
          (order) => order.country,
          (order, land) => `${order.id} to ${land}`,
        )
        .to(placed)
      stream
        .process<string, string>(
          () => {
            let context: ProcessorContext<string, string>
            let seen: KeyValueStore<string, number>
            return {
              init(opened) {
                context = opened
                seen = context.store('seen')
              },
              process({ key, value: { country, id } }) {
                if (seen.get(country) !== undefined) return
                seen.put(country, id)
                context.forward({ key, value: `${country} first by ${id}` })
              },
            }
          },
          { stores: [keyValueStore('seen', { key: string(), value: long(), logging: false })], name: 'firsts' },
        )
        .to(firsts)
      stream
        .groupBy((order) => order.country, { key: string(), name: 'by-country' })
        .count({ store: 'by-country' })
        .mapValues((count) => String(count))
        .toStream()
        .to(byCountry)
    },
  })
}

/** Creates the topics, and deletes one again: numbers of deleted topics must not be reused. */
export async function createTopics(log: Log): Promise<void> {
  const names = [orders, parcels, removed, ...OUTPUTS].map(({ name }) => ({ name, partitions: PARTITIONS }))
  const compacted = [customers, countries].map(({ name }) => ({
    name,
    partitions: PARTITIONS,
    configs: { 'cleanup.policy': 'compact' },
  }))
  await log.createTopics([...names, ...compacted])
  await log.deleteTopics([removed.name])
}

export async function writeRound(log: Log, round: number): Promise<void> {
  await using orderWriter = await TopicWriter.open(log, orders)
  await using parcelWriter = await TopicWriter.open(log, parcels)
  await using customerWriter = await TopicWriter.open(log, customers)
  await using countryWriter = await TopicWriter.open(log, countries)
  if (round === 0) {
    for (const land of ['DE', 'FR', 'PL']) countryWriter.write(land, `land ${land}`, { timestamp: START })
    await countryWriter.flush()
  }
  const first = round * ORDERS_PER_ROUND
  for (let id = first; id < first + ORDERS_PER_ROUND; id++) {
    const timestamp = START + id * 333
    const order = { id, cents: id * 7 + 1, country: ['DE', 'FR', 'PL'][id % 3]! }
    const key = `user-${id % 7}`
    if (id % 10 === 0) customerWriter.write(key, id % 40 === 30 ? null : `customer ${id}`, { timestamp })
    orderWriter.write(key, order, { timestamp: timestamp + 1 })
    if (id % 3 !== 0) parcelWriter.write(key, order, { timestamp: timestamp + 2 })
  }
  await customerWriter.flush()
  await parcelWriter.flush()
  await orderWriter.flush()
}

/** Runs the application until nothing is left to do. @returns the changelog records that it restored to disk stores */
export async function runShop(log: Log, logger: Logger, more: Omit<StreamsOptions, 'log'>): Promise<number> {
  let restored = 0
  const onRestore: StreamsOptions['onRestore'] = (event, progress) => {
    if (event === 'end' && progress.store !== HELD_IN_MEMORY) restored += progress.records
  }
  const streams = await Streams.start(shop(logger), { log, onRestore, ...more })
  const failed = streams.closed.then(() => Promise.reject(new Error('the application ended by itself')))
  await Promise.race([streams.whenRunning(), failed])
  let quiet = 0
  for (let last = -1; quiet < 5; last = streams.status().written) {
    await Promise.race([sleep(20), failed])
    const { lag, written } = streams.status()
    quiet = streams.state === 'running' && lag === 0 && written === last ? quiet + 1 : 0
  }
  failed.catch(() => {})
  await streams.close()
  return restored
}

/** Reads all records of the output topics, in an order that does not depend on the turns of the tasks. */
export async function outputsOf(log: Log): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  for (const output of OUTPUTS) {
    const lines: string[] = []
    for await (const { key, value, timestamp } of readTopic<unknown, unknown>(log, output, { until: 'end' })) {
      // Two tasks write into its repartition topic: the order of their records depends on their turns.
      const at = output === byCountry ? undefined : timestamp - START
      lines.push(JSON.stringify([key, value === null ? null : String(value), at]))
    }
    found[output.name] = lines.toSorted()
  }
  return found
}

export const rounds = { all: ROUNDS, inFixtures: ROUNDS - 1 }
