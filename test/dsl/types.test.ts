import { describe, expectTypeOf, it } from 'vitest'
import {
  StreamsBuilder,
  defineApp,
  hopping,
  int64,
  joinWindow,
  json,
  long,
  parseDuration,
  session,
  sliding,
  string,
  topic,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  uuid,
  windowed,
  Windowed,
} from '../../src/index.ts'
import type {
  Duration,
  FixedKeyProcessor,
  GlobalKTable,
  JoinWindows,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  ProcessingContext,
  Processor,
  Serde,
  Topic,
} from '../../src/index.ts'
import type { TopologyTestDriver } from '../../src/testing/index.ts'

interface Payment {
  readonly from: string
  readonly cents: number
}
interface Customer {
  readonly name: string
}

interface Order {
  readonly kind: 'order'
  readonly cents: number
}
interface Visit {
  readonly kind: 'visit'
  readonly page: string
}
interface Alert {
  readonly kind: 'alert'
}
const isOrder = (event: Order | Visit | Alert): event is Order => event.kind === 'order'
type UserId = string & { readonly brand: 'user' }

const events = topic('events', { key: string(), value: json<Order | Visit | Alert>() })
const payments = topic('payments', { key: string(), value: json<Payment>() })
const removals = topic('removals', { key: string(), value: json<Payment>(), tombstones: true })
const customers = topic('customers', { key: string(), value: json<Customer>(), tombstones: true })
const amounts = topic('amounts', { key: string(), value: long() })
const numbered = topic('numbered', { key: int64(), value: json<Payment>() })

/** A builder for code that is only compiled: what it would build is not of interest. */
const builder = new StreamsBuilder()
const stream = builder.stream(payments)
const table = builder.table(customers)

describe('types flow from topic to sink', () => {
  it('a topic has the types of its serdes, and null with tombstones', () => {
    expectTypeOf(payments).toEqualTypeOf<Topic<string, Payment>>()
    expectTypeOf(removals).toEqualTypeOf<Topic<string, Payment | null>>()
    expectTypeOf(stream).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(builder.stream(removals)).toEqualTypeOf<KStream<string, Payment | null>>()
    expectTypeOf(table).toEqualTypeOf<KTable<string, Customer | null>>()
    expectTypeOf(builder.globalTable(customers)).toEqualTypeOf<GlobalKTable<string, Customer | null>>()
  })

  it('several topics of one stream have one type', () => {
    expectTypeOf(builder.stream([payments, payments])).toEqualTypeOf<KStream<string, Payment>>()
    // @ts-expect-error their keys differ
    const mixed = (): KStream<string, Payment> => builder.stream([payments, numbered])
    expectTypeOf(mixed).not.toBeAny()
  })

  it('stateless operators change what they say they change', () => {
    expectTypeOf(stream.filter((payment) => payment.cents > 0)).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(stream.filterNot((payment, key) => payment.from === key)).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(stream.mapValues((payment) => payment.cents)).toEqualTypeOf<KStream<string, number>>()
    expectTypeOf(stream.map((payment, key) => [payment.cents, key])).toEqualTypeOf<KStream<number, string>>()
    expectTypeOf(stream.flatMap((payment) => [[payment.cents, payment.from]])).toEqualTypeOf<KStream<number, string>>()
    expectTypeOf(stream.flatMapValues((payment) => [payment.cents])).toEqualTypeOf<KStream<string, number>>()
    expectTypeOf(stream.selectKey((payment) => payment.cents)).toEqualTypeOf<KStream<number, Payment>>()
    expectTypeOf(stream.peek((payment) => void payment.cents)).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(stream.forEach((payment) => void payment.cents)).toEqualTypeOf<void>()
    expectTypeOf(stream.repartition({ partitions: 4 })).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(stream.merge(builder.stream(amounts))).toEqualTypeOf<KStream<string, Payment | number>>()
  })

  it('a type guard narrows the stream', () => {
    expectTypeOf(builder.stream(removals).filterNot((value) => value === null)).toEqualTypeOf<
      KStream<string, Payment>
    >()
    expectTypeOf(builder.table(events).filterNot(isOrder)).toEqualTypeOf<KTable<string, Visit | Alert | null>>()
    const present = builder.stream(removals).filter((value) => value !== null)
    expectTypeOf(present).toEqualTypeOf<KStream<string, Payment>>()
  })

  it('functions get the types of value and key', () => {
    stream.filter((payment, key) => {
      expectTypeOf(payment).toEqualTypeOf<Payment>()
      expectTypeOf(key).toEqualTypeOf<string>()
      return true
    })
    builder.stream(removals).mapValues((payment) => expectTypeOf(payment).toEqualTypeOf<Payment | null>())
    // @ts-expect-error map returns pairs
    stream.map((payment) => payment.cents)
  })

  it('branches have the type of the stream', () => {
    const branches = stream
      .split({ name: 'size-' })
      .branch((payment) => payment.cents > 100)
      .defaultBranch()
    expectTypeOf(branches.get('size-1')).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(branches.get('size-0')).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf([...branches.keys()]).toEqualTypeOf<('size-0' | 'size-1')[]>()
    expectTypeOf([...branches.values()]).toEqualTypeOf<KStream<string, Payment>[]>()
    expectTypeOf(branches).toExtend<ReadonlyMap<string, KStream<string, Payment>>>()
    // @ts-expect-error there is no such branch
    expectTypeOf(branches.get('size-2')).not.toBeAny()
  })

  it('branches have literal names, and guards narrow them and what is left for the next', () => {
    const branches = builder
      .stream(events)
      .split({ name: 'kind-' })
      .branch((event) => event.kind === 'visit', { name: 'visit' })
      .branch(isOrder, { name: 'order' })
      .defaultBranch({ name: 'alert' })
    expectTypeOf(branches.get('kind-visit')).toEqualTypeOf<KStream<string, Visit>>()
    expectTypeOf(branches.get('kind-order')).toEqualTypeOf<KStream<string, Order>>()
    expectTypeOf(branches.get('kind-alert')).toEqualTypeOf<KStream<string, Alert>>()
    // @ts-expect-error there is no such branch
    branches.get('typo')?.to(payments)
  })

  it('the map has what `use` returns, and no branch of which it returns nothing', () => {
    const branches = stream
      .split({ name: 's-' })
      .branch(() => true, { name: 'a', use: (branch) => branch.mapValues((payment) => payment.cents) })
      .branch(() => true, { use: (branch) => branch.to(payments) })
      .branch(() => true, { use: (branch) => (branch.toTable().toStream() === branch ? branch : null) })
      .noDefaultBranch()
    expectTypeOf(branches.get('s-a')).toEqualTypeOf<KStream<string, number>>()
    expectTypeOf(branches.get('s-3')).toEqualTypeOf<KStream<string, Payment> | undefined>()
    // @ts-expect-error it ends in its topic
    expectTypeOf(branches.get('s-2')).not.toBeAny()
  })

  it('a name that the compiler does not know may be none', () => {
    const generated = stream
      .split()
      .branch(() => true, { name: 'a' })
      .noDefaultBranch()
    expectTypeOf(generated.get('KSTREAM-BRANCH-0000000001a')).toEqualTypeOf<KStream<string, Payment> | undefined>()
    // @ts-expect-error no name ends so
    expectTypeOf(generated.get('typo')).not.toBeAny()
    const given: string = 'a'
    const computed = stream
      .split({ name: 's-' })
      .branch(() => true, { name: given })
      .noDefaultBranch()
    expectTypeOf(computed.get('s-a')).toEqualTypeOf<KStream<string, Payment> | undefined>()
    expectTypeOf([...computed.values()]).toEqualTypeOf<KStream<string, Payment>[]>()
  })

  it('a sink takes what its topic can hold', () => {
    stream.to(payments)
    stream.to(removals)
    stream.mapValues((payment) => payment.cents).to(amounts)
    // @ts-expect-error other values
    stream.to(amounts)
    // @ts-expect-error other keys
    stream.to(numbered)
    // @ts-expect-error the topic has no tombstones
    builder.stream(removals).to(payments)
    stream.to((payment, key, record) => {
      expectTypeOf(record.partition).toEqualTypeOf<number>()
      return `${key}-${payment.from}`
    })
  })
})

describe('types of keys', () => {
  it('string() and uuid() have branded and literal keys, named or inferred', () => {
    expectTypeOf(string()).toEqualTypeOf<Serde<string>>()
    expectTypeOf(string<UserId>()).toEqualTypeOf<Serde<UserId>>()
    expectTypeOf(uuid<UserId>()).toEqualTypeOf<Serde<UserId>>()
    const users = topic('users', { key: string<UserId>(), value: json<{ readonly side: 'buy' | 'sell' }>() })
    const bySide: Topic<'buy' | 'sell', number> = topic('by-side', { key: string(), value: long() })
    const counts = builder
      .stream(users)
      .groupBy((order) => order.side, { key: string<'buy' | 'sell'>() })
      .count()
    expectTypeOf(counts).toEqualTypeOf<KTable<'buy' | 'sell', number>>()
    counts.toStream().to(bySide)
    const perUser = builder.stream(users).groupByKey({ key: string() }).windowedBy(tumbling('1m')).count()
    perUser.toStream().to(topic('per-user', { key: windowed(string<UserId>(), '1m'), value: long() }))
    // @ts-expect-error numbers are no text
    string<number>()
    const names = builder.stream(users).selectKey(() => 'ann')
    // @ts-expect-error not every text is the id of a user
    names.to(users)
  })

  it('text is inferred as text, not as what it happens to begin with', () => {
    const joined = stream.groupByKey().aggregate(
      () => '',
      (text, payment) => text + payment.from,
      { value: string() },
    )
    expectTypeOf(joined).toEqualTypeOf<KTable<string, string>>()
    expectTypeOf(topic('t', { key: string(), value: string() })).toEqualTypeOf<Topic<string, string>>()
  })

  it('windowed keys are made by new Windowed(…), not by hand', () => {
    const perMinute = topic('per-minute', { key: windowed(string(), '1m'), value: long() })
    stream.map((payment, key) => [new Windowed(key, 0, 60_000), payment.cents]).to(perMinute)
    const byHand = stream.map((payment, key) => [{ key, start: 0, end: 60_000 }, payment.cents])
    // @ts-expect-error an object that looks like one is refused at run time
    byHand.to(perMinute)
    // @ts-expect-error the keys have no windows
    stream.groupByKey().count().toStream().to(perMinute)
  })
})

describe('types of times', () => {
  it('a duration is a number with a unit', () => {
    expectTypeOf<250 | '10s' | '1.5 h' | '250ms' | '7d'>().toExtend<Duration>()
    expectTypeOf<'1 minute'>().not.toExtend<Duration>()
    expectTypeOf<'-5s'>().not.toExtend<Duration>()
    expectTypeOf<'s'>().not.toExtend<Duration>()
    expectTypeOf<'5'>().not.toExtend<Duration>()
    expectTypeOf<'1-5s'>().not.toExtend<Duration>()
    expectTypeOf<string>().not.toExtend<Duration>()
    const configured: string = '1m'
    expectTypeOf(tumbling(parseDuration(configured, 'WINDOW')).kind).toEqualTypeOf<'tumbling'>()
    // @ts-expect-error text of unknown form
    expectTypeOf(tumbling(configured)).not.toBeAny()
  })

  it('joinWindow takes a grace beside a single duration, as the other windows do', () => {
    expectTypeOf(joinWindow('1h', { grace: '5m' })).toEqualTypeOf<JoinWindows>()
    expectTypeOf(joinWindow({ before: '1h', after: -5, grace: '5m' })).toEqualTypeOf<JoinWindows>()
    const twice = (): JoinWindows =>
      // @ts-expect-error the bounds have a grace of their own
      joinWindow({ before: '1h' }, { grace: '5m' })
    expectTypeOf(twice).not.toBeAny()
  })
})

describe('types of the test driver', () => {
  it('what it reads is null only where the topic has tombstones', () => {
    const read = (driver: TopologyTestDriver) => [driver.output(payments), driver.output(removals)] as const
    type Read = ReturnType<typeof read>
    expectTypeOf<ReturnType<Read[0]['readValues']>>().toEqualTypeOf<Payment[]>()
    expectTypeOf<ReturnType<Read[1]['readValues']>>().toEqualTypeOf<(Payment | null)[]>()
    expectTypeOf<ReturnType<Read[0]['readAll']>[number]['value']>().toEqualTypeOf<Payment>()
    expectTypeOf<ReturnType<Read[0]['readMap']>>().toEqualTypeOf<Map<string | null, Payment>>()
  })
})

describe('types of aggregations', () => {
  const group = stream.groupByKey()

  it('groups have the key they are grouped by', () => {
    expectTypeOf(group).toEqualTypeOf<KGroupedStream<string, Payment>>()
    expectTypeOf(stream.groupBy((payment) => payment.cents)).toEqualTypeOf<KGroupedStream<number, Payment>>()
    // @ts-expect-error the serde is not that of the new key
    stream.groupBy((payment) => payment.cents, { key: string() })
  })

  it('count, reduce and aggregate return tables without tombstones unless a function returns null', () => {
    expectTypeOf(group.count({ store: 'counts' })).toEqualTypeOf<KTable<string, number>>()
    expectTypeOf(group.reduce((a, b) => (a.cents > b.cents ? a : b))).toEqualTypeOf<KTable<string, Payment>>()
    expectTypeOf(group.reduce((a, b) => (a.cents > b.cents ? a : null))).toEqualTypeOf<KTable<string, Payment | null>>()
    const sums = group.aggregate(
      () => 0,
      (sum, payment) => sum + payment.cents,
      { value: long() },
    )
    expectTypeOf(sums).toEqualTypeOf<KTable<string, number>>()
    const clearedSums = group.aggregate(
      () => 0,
      (sum, payment) => (payment.cents === 0 ? null : sum + payment.cents),
      { value: long() },
    )
    expectTypeOf(clearedSums).toEqualTypeOf<KTable<string, number | null>>()
    const wrong = { value: string() }
    const addOne = (sum: number): number => sum + 1
    // @ts-expect-error the serde is not that of the aggregate
    group.aggregate(() => 0, addOne, wrong)
  })

  it('an aggregate without tombstones goes to a topic without tombstones', () => {
    const counts = group.count()
    expectTypeOf(counts.toStream()).toEqualTypeOf<KStream<string, number>>()
    counts.toStream().to(amounts)
    const filtered = counts.filter((count) => count > 1).toStream()
    // @ts-expect-error a filtered table has tombstones
    filtered.to(amounts)
  })

  it('windowed aggregations have windowed keys', () => {
    expectTypeOf(group.windowedBy(tumbling('1m')).count()).toEqualTypeOf<KTable<Windowed<string>, number>>()
    expectTypeOf(group.windowedBy(hopping('5m', { advance: '1m' })).count()).toEqualTypeOf<
      KTable<Windowed<string>, number>
    >()
    expectTypeOf(group.windowedBy(sliding('5m')).emitOnClose().count()).toEqualTypeOf<
      KTable<Windowed<string>, number>
    >()
    expectTypeOf(group.windowedBy(session('5m')).count()).toEqualTypeOf<KTable<Windowed<string>, number | null>>()
    const sums = group.windowedBy(session('5m')).aggregate(
      () => 0,
      (sum, payment) => sum + payment.cents,
      (sum, other) => sum + other,
      { value: long() },
    )
    expectTypeOf(sums).toEqualTypeOf<KTable<Windowed<string>, number | null>>()
    const longest = group.windowedBy(tumbling('1m')).reduce((a, b) => (a.cents > b.cents ? a : b))
    expectTypeOf(longest).toEqualTypeOf<KTable<Windowed<string>, Payment>>()
  })

  it('cogroup folds several types into one', () => {
    const cogrouped = group
      .cogroup<number>((sum, payment) => sum + payment.cents)
      .cogroup(builder.stream(amounts).groupByKey(), (sum, amount) => sum - amount)
    expectTypeOf(cogrouped.aggregate(() => 0)).toEqualTypeOf<KTable<string, number>>()
    expectTypeOf(cogrouped.windowedBy(tumbling('1m')).aggregate(() => 0)).toEqualTypeOf<
      KTable<Windowed<string>, number>
    >()
    expectTypeOf(
      cogrouped.windowedBy(session('1m')).aggregate(
        () => 0,
        (a, b) => a + b,
      ),
    ).toEqualTypeOf<KTable<Windowed<string>, number | null>>()
  })
})

describe('types of tables', () => {
  it('functions never see a deleted row; the types of changes show where there can be one', () => {
    expectTypeOf(table.filter((customer) => customer.name !== '')).toEqualTypeOf<KTable<string, Customer | null>>()
    expectTypeOf(table.mapValues((customer) => customer.name)).toEqualTypeOf<KTable<string, string | null>>()
    expectTypeOf(table.toStream()).toEqualTypeOf<KStream<string, Customer | null>>()
    expectTypeOf(table.toStream((customer) => customer?.name ?? '')).toEqualTypeOf<KStream<string, Customer | null>>()
    expectTypeOf(stream.toTable().mapValues((payment) => payment.cents)).toEqualTypeOf<KTable<string, number>>()
    expectTypeOf(table.suppress(untilTimeLimit('1s'))).toEqualTypeOf<KTable<string, Customer | null>>()
    const counts = stream.groupByKey().windowedBy(tumbling('1m')).count()
    expectTypeOf(counts.suppress(untilWindowCloses())).toEqualTypeOf<KTable<Windowed<string>, number>>()
    // @ts-expect-error the table is not windowed
    expectTypeOf(() => table.suppress(untilWindowCloses())).not.toBeAny()
    // @ts-expect-error the change of a deleted row is null
    table.toStream().mapValues((customer) => customer.name)
  })

  it('transformValues hands deleted rows to the transformer', () => {
    const shown = table.transformValues(() => ({
      transform(customer) {
        expectTypeOf(customer).toEqualTypeOf<Customer | null>()
        return customer?.name ?? '(gone)'
      },
    }))
    expectTypeOf(shown).toEqualTypeOf<KTable<string, string | null>>()
  })

  it('groups of a table have new keys and values, never null', () => {
    const byName = table.groupBy((customer, id) => [customer.name === '' ? null : customer.name, id])
    expectTypeOf(byName).toEqualTypeOf<KGroupedTable<string, string>>()
    expectTypeOf(byName.count()).toEqualTypeOf<KTable<string, number>>()
    const sizes = byName.aggregate(
      () => 0,
      (size) => size + 1,
      (size) => size - 1,
      { value: long() },
    )
    expectTypeOf(sizes).toEqualTypeOf<KTable<string, number>>()
  })
})

describe('types of joins', () => {
  it('the side that may be missing is null', () => {
    const other = builder.stream(amounts)
    const inner = stream.join(other, (payment, amount, key) => `${key}${payment.cents}${amount}`, joinWindow('1m'))
    expectTypeOf(inner).toEqualTypeOf<KStream<string, string>>()
    stream.leftJoin(
      other,
      (payment, amount) => {
        expectTypeOf(payment).toEqualTypeOf<Payment>()
        expectTypeOf(amount).toEqualTypeOf<number | null>()
        return 0
      },
      joinWindow('1m'),
    )
    stream.outerJoin(
      other,
      (payment, amount) => {
        expectTypeOf(payment).toEqualTypeOf<Payment | null>()
        expectTypeOf(amount).toEqualTypeOf<number | null>()
        return 0
      },
      joinWindow('1m'),
    )
    // @ts-expect-error a join of streams has windows
    expectTypeOf(() => stream.join(other, () => 0)).not.toBeAny()
    // @ts-expect-error their keys differ
    stream.join(builder.stream(numbered), () => 0, joinWindow('1m'))
  })

  it('streams join tables and global tables', () => {
    const named = stream.join(table, (payment, customer) => ({ ...payment, name: customer.name }))
    expectTypeOf(named).toEqualTypeOf<KStream<string, { name: string; from: string; cents: number }>>()
    stream.leftJoin(table, (_payment, customer) => {
      expectTypeOf(customer).toEqualTypeOf<Customer | null>()
      return 0
    })
    const global = builder.globalTable(customers)
    const byPayer = stream.leftJoin(
      global,
      (payment) => payment.from,
      (payment, customer) => `${payment.cents}${customer?.name}`,
    )
    expectTypeOf(byPayer).toEqualTypeOf<KStream<string, string>>()
    const cents = (payment: Payment): number => payment.cents
    // @ts-expect-error the mapper does not return the table's key
    stream.join(global, cents, () => 0)
  })

  it('tables join by key and by foreign key', () => {
    const other = builder.table(amounts)
    expectTypeOf(table.join(other, (customer, amount) => `${customer.name}${amount}`)).toEqualTypeOf<
      KTable<string, string | null>
    >()
    table.outerJoin(other, (customer, amount) => {
      expectTypeOf(customer).toEqualTypeOf<Customer | null>()
      expectTypeOf(amount).toEqualTypeOf<number | null>()
      return 0
    })
    const byForeignKey = stream.toTable().leftJoin(
      table,
      (payment) => payment.from,
      (payment, customer) => `${payment.cents}${customer?.name}`,
      { value: string() },
    )
    expectTypeOf(byForeignKey).toEqualTypeOf<KTable<string, string>>()
    const cents = (payment: Payment): number => payment.cents
    // @ts-expect-error the extractor does not return the other table's key
    stream.toTable().join(table, cents, () => '')
  })
})

describe('types of processors', () => {
  it('what a processor forwards is the type of the stream', () => {
    const supplier = (): Processor<string, Payment, number, string> => ({ process: () => undefined })
    expectTypeOf(stream.process(supplier)).toEqualTypeOf<KStream<number, string>>()
    const fixed = (): FixedKeyProcessor<string, Payment, number> => ({ process: () => undefined })
    expectTypeOf(stream.processValues(fixed)).toEqualTypeOf<KStream<string, number>>()
    const other = (): Processor<string, Customer, string, string> => ({ process: (record) => void record.value.name })
    // @ts-expect-error a processor for other values
    stream.process(other)
  })
})

describe('promises are refused where the types show them', () => {
  const later = async (): Promise<number> => 1

  it('by operators of streams', () => {
    // @ts-expect-error a predicate
    const _filter = () => stream.filter(async () => true)
    // @ts-expect-error a mapper
    const _mapValues = () => stream.mapValues(later)
    // @ts-expect-error a mapper that sometimes has to wait
    const _sometimes = () => stream.mapValues(({ cents }) => (cents > 0 ? cents : later()))
    // @ts-expect-error a mapper of pairs
    const _map = () => stream.map(async (value, key) => [key, value] as const)
    // @ts-expect-error a mapper of lists
    const _flatMapValues = () => stream.flatMapValues(async (value) => [value])
    // @ts-expect-error a new key
    const _selectKey = () => stream.selectKey(later)
    // @ts-expect-error a group
    const _groupBy = () => stream.groupBy(later)
    // @ts-expect-error an action
    const _peek = () => stream.peek(async () => {})
    // @ts-expect-error a last action
    const _forEach = () => stream.forEach(async () => {})
    // @ts-expect-error a joiner
    const _join = () => stream.join(stream, later, joinWindow(1))
    // @ts-expect-error a joiner of a table
    const _joinTable = () => stream.leftJoin(table, later)
    // @ts-expect-error a topic
    const _to = () => stream.to(async () => 'topic')
  })

  it('by aggregations and tables', () => {
    const grouped = stream.groupByKey()
    // @ts-expect-error a reducer
    const _reduce = () => grouped.reduce(async (a) => a)
    // @ts-expect-error an initializer
    const _initializer = () => grouped.aggregate(later, () => later())
    // @ts-expect-error an aggregator
    const _aggregator = () => grouped.aggregate(() => 0, later)
    // @ts-expect-error a mapper
    const _mapValues = () => table.mapValues(later)
    // @ts-expect-error a joiner
    const _join = () => table.join(table, later)
  })

  it('by processors, punctuators and build', () => {
    // @ts-expect-error a process method
    const _process = () => stream.process(() => ({ async process() {} }))
    // @ts-expect-error an init method
    const _init = () => stream.processValues(() => ({ async init() {}, process() {} }))
    // @ts-expect-error a supplier
    const _supplier = () => stream.process(async () => ({ process() {} }))
    // @ts-expect-error a punctuator
    const _schedule = (context: ProcessingContext) => context.schedule('1s', 'stream-time', async () => {})
    // @ts-expect-error build
    const _build = () => defineApp({ id: 'app', build: async () => {} })
    const seen = new Set<string>()
    const _any = () => stream.process(() => ({ process: ({ key }) => seen.add(key) }))
  })

  it('and nothing else is', () => {
    const seen: number[] = []
    expectTypeOf(stream.peek(({ cents }) => seen.push(cents))).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(stream.mapValues(({ cents }) => [cents, 'a'] as const)).toEqualTypeOf<
      KStream<string, readonly [number, 'a']>
    >()
    expectTypeOf(stream.mapValues((): unknown => 1)).toEqualTypeOf<KStream<string, unknown>>()
    expectTypeOf(stream.mapValues(({ cents }) => (cents > 0 ? cents : null))).toEqualTypeOf<
      KStream<string, number | null>
    >()
    const rule = JSON.parse('{ "if": "rain" }') as { readonly then: string }
    expectTypeOf(stream.mapValues(() => rule)).toEqualTypeOf<KStream<string, typeof rule>>()
    expectTypeOf(
      stream.groupByKey().aggregate(
        () => ({ n: 0 }),
        (a) => a,
      ),
    ).toEqualTypeOf<KTable<string, { n: number }>>()
  })

  it('a helper with types of its own compiles', () => {
    const marked = <T>(given: KStream<string, T>): KStream<string, { value: T }> =>
      given.mapValues((value) => ({ value }))
    const same = <K, T>(given: KStream<K, T>): KStream<K, T> => given.mapValues((value) => value)
    const mapped = <K, T, R>(given: KStream<K, T>, mapper: (value: T) => R): KStream<K, R> => given.mapValues(mapper)
    expectTypeOf(marked(stream)).toEqualTypeOf<KStream<string, { value: Payment }>>()
    expectTypeOf(same(stream)).toEqualTypeOf<KStream<string, Payment>>()
    expectTypeOf(mapped(stream, ({ cents }) => cents)).toEqualTypeOf<KStream<string, number>>()
  })
})
