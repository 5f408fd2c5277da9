/** What every program of a mistake begins with. */
export const BEGIN = `
import {
  joinWindow, json, long, StreamsBuilder, string, topic, tumbling, untilWindowCloses, windowed,
} from 'millrace'

type Order = { customer: string; cents: number }
type Invoice = { customer: string; cents: number; currency: string }
type Event = { kind: 'order'; cents: number } | { kind: 'visit'; page: string }

const orders = topic('orders', { key: string(), value: json<Order>() })
const events = topic('events', { key: string(), value: json<Event>() })
const customers = topic('customers', { key: string(), value: json<{ name: string }>(), tombstones: true })
const names = topic('names', { key: string(), value: string() })
const invoices = topic('invoices', { key: string(), value: json<Invoice>() })
const counts = topic('counts', { key: string(), value: long() })
const perMinute = topic('per-minute', { key: windowed(string(), '1m'), value: long() })
const numbered = topic('numbered', { key: long(), value: json<Order>() })

const builder = new StreamsBuilder()
const stream = builder.stream(orders)
`

/** Mistakes that are made often, each in one statement. */
export const MISTAKES: Readonly<Record<string, string>> = {
  'a value without a field of the topic': `
    stream.to(invoices)`,
  'a field of another type': `
    stream.mapValues((order) => ({ ...order, cents: String(order.cents), currency: 'EUR' })).to(invoices)`,
  'windowed keys': `
    stream.groupByKey().windowedBy(tumbling('1m')).count().toStream().to(counts)`,
  'rows that can be deleted': `
    builder.table(customers).mapValues((customer) => customer.name).toStream().to(names)`,
  'a branch that does not exist': `
    stream
      .split({ name: 'size-' })
      .branch((order) => order.cents > 10_000, { name: 'large' })
      .defaultBranch({ name: 'small' })
      .get('size-lage')
      .to(orders)`,
  'a branch of other values': `
    builder
      .stream(events)
      .split({ name: 'kind-' })
      .branch((event) => event.kind === 'visit', { name: 'visit' })
      .defaultBranch({ name: 'order' })
      .get('kind-order')
      .to(invoices)`,
  'a windowed key made by hand': `
    stream.map((order, key) => [{ key, start: 0, end: 60_000 }, order.cents]).to(perMinute)`,
  'a duration in words': `
    tumbling('1 minute')`,
  'suppress without windows': `
    stream.groupByKey().count().suppress(untilWindowCloses())`,
  'a mapper that is async': `
    stream.mapValues(async (order) => order.cents)`,
  'the serde of other values': `
    stream.groupByKey().aggregate(() => 0, (sum, order) => sum + order.cents, { value: string() })`,
  'a join of streams with other keys': `
    stream.join(builder.stream(numbered), (left, right) => [left, right], joinWindow('1h', { grace: '5m' }))`,
  'a join of streams without a window': `
    stream.join(stream, (left, right) => left.cents + right.cents)`,
}
