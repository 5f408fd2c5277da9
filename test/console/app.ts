import { defineApp, json, long, silentLogger, string, topic, tumbling, type Application } from 'millrace'

export interface Order {
  readonly customer: string
  readonly cents: number
}

export const orders = topic('orders', { key: string(), value: json<Order>() })

/** Names of all topics that the application has to find. */
export function topicsOf(prefix = ''): string[] {
  return ['orders', 'order-totals', 'large-orders', 'rejected-orders'].map((name) => prefix + name)
}

/** An order of so many cents is large. */
const LARGE = 900
/** An order of so many cents is refused. */
export const REFUSED = 666

/** An order of so many cents takes long to check. */
export const SLOW = 777
/** ms */
const LONG = 10

/** An application with two sub-topologies, stores of two kinds, and dead letters. @param prefix of its topics */
export function ordersApp(id = 'orders', prefix = ''): Application {
  const [input = '', totals = '', large = '', rejected = ''] = topicsOf(prefix)
  return defineApp({
    id,
    guarantee: 'exactly_once',
    deadLetterTopic: rejected,
    logger: silentLogger,
    build: (builder) => {
      const checked = builder
        .stream(topic(input, { key: string(), value: json<Order>() }))
        .mapValues(check, { name: 'check' })
      checked
        .filter(({ cents }) => cents >= LARGE, { name: 'is-large' })
        .to(topic(large, { key: string(), value: json<Order>() }))
      checked.groupByKey().windowedBy(tumbling('1m')).count({ store: 'orders-by-minute' })
      checked
        .groupBy((order) => order.customer, { name: 'by-customer', key: string(), value: json<Order>() })
        .count({ store: 'totals' })
        .toStream()
        .to(topic(totals, { key: string(), value: long() }))
    },
  })
}

function check(order: Order): Order {
  if (order.cents === SLOW) {
    const end = performance.now() + LONG
    while (performance.now() < end);
  }
  if (order.cents === REFUSED) throw new RangeError('666 cents are no price')
  return order
}
