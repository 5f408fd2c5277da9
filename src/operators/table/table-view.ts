import { NO_HEADERS } from '../../record/headers.ts'
import type {
  Entry,
  KeyValueState,
  PeriodState,
  SessionState,
  StateStore,
  SuppressBuffer,
  VersionedState,
  WindowState,
} from '../../state/states.ts'
import type { TableView } from '../../topology/operator-spec.ts'
import type { ValueTransformer } from '../../topology/processor-api.ts'
import { Windowed } from '../../windowing/windows.ts'
import type { OperatorContext } from '../operator.ts'
import { shownValue } from '../shown-value.ts'
import { UserContext } from '../process/user-context.ts'
import { settled } from '../user-result.ts'

/** The current rows of a table, for operators that look them up. An entry holds until the next look-up. */
export interface TableLookup {
  get(key: unknown): Entry<unknown> | undefined
  /** The row that was valid at `asOf`; tables without history answer with the current one. */
  getAsOf(key: unknown, asOf: number): Entry<unknown> | undefined
  close(): void
}

/** @throws MR_STORE_NOT_CONNECTED if the operator is not connected to a store the view reads */
export function openTableView(view: TableView, context: OperatorContext): TableLookup {
  switch (view.kind) {
    case 'store':
      return openStore(view, context)
    case 'filter':
      return new FilterLookup(view, openTableView(view.of, context), context)
    case 'mapValues':
      return new MapValuesLookup(view, openTableView(view.of, context), context)
    case 'transformValues':
      return new TransformValuesLookup(view, openTableView(view.of, context), context)
    case 'join':
      return new JoinLookup(view, openTableView(view.left, context), openTableView(view.right, context), context)
    case 'suppress':
      return new SuppressLookup(context.state(view.buffer), openTableView(view.of, context))
  }
}

type ViewOf<Kind extends TableView['kind']> = Extract<TableView, { readonly kind: Kind }>

function openStore(view: ViewOf<'store'>, context: OperatorContext): TableLookup {
  switch (view.storeKind) {
    case 'keyValue':
      return new KeyValueLookup(context.state(view.store))
    case 'versioned':
      return new VersionedLookup(context.state(view.store))
    case 'window':
      return new WindowLookup(context.state(view.store))
    case 'period':
      return new PeriodLookup(context.state(view.store))
    case 'session':
      return new SessionLookup(context.state(view.store))
  }
}

/** A row as user functions get it: they may change it and pass it on; the store's own object stays as it was put. */
class ShownRow implements Entry<unknown> {
  value: unknown = null
  timestamp = -1
  readonly #state: { copy(value: unknown): unknown }

  constructor(state: { copy(value: unknown): unknown }) {
    this.#state = state
  }

  /** This row, which is another one at the next call. */
  of(entry: Entry<unknown> | undefined): this | undefined {
    return entry === undefined ? undefined : this.with(entry.value, entry.timestamp)
  }

  with(value: unknown, timestamp: number): this {
    this.value = shownValue(value, this.#state)
    this.timestamp = timestamp
    return this
  }
}

/** A store that has one version of each row. */
abstract class LatestLookup<S extends StateStore & { copy(value: unknown): unknown }> implements TableLookup {
  protected readonly state: S
  protected readonly row: ShownRow

  constructor(state: S) {
    this.state = state
    this.row = new ShownRow(state)
  }

  abstract get(key: unknown): Entry<unknown> | undefined

  getAsOf(key: unknown): Entry<unknown> | undefined {
    return this.get(key)
  }

  close(): void {}
}

class KeyValueLookup extends LatestLookup<KeyValueState<unknown, unknown>> {
  override get(key: unknown): Entry<unknown> | undefined {
    return this.row.of(this.state.get(key))
  }
}

class WindowLookup extends LatestLookup<WindowState<unknown, unknown>> {
  override get(key: unknown): Entry<unknown> | undefined {
    return key instanceof Windowed ? this.row.of(this.state.get(key.key, key.start)) : undefined
  }
}

class PeriodLookup extends LatestLookup<PeriodState<unknown, unknown>> {
  override get(key: unknown): Entry<unknown> | undefined {
    return key instanceof Windowed ? this.row.of(this.state.get(key.key, key.start, key.end)) : undefined
  }
}

class SessionLookup extends LatestLookup<SessionState<unknown, unknown>> {
  override get(key: unknown): Entry<unknown> | undefined {
    if (!(key instanceof Windowed)) return undefined
    const value = this.state.get(key.key, key.start, key.end)
    return value === undefined ? undefined : this.row.with(value, key.end)
  }
}

class VersionedLookup implements TableLookup {
  readonly #state: VersionedState<unknown, unknown>

  constructor(state: VersionedState<unknown, unknown>) {
    this.#state = state
  }

  get(key: unknown): Entry<unknown> | undefined {
    return this.#state.get(key)
  }

  getAsOf(key: unknown, asOf: number): Entry<unknown> | undefined {
    return this.#state.getAsOf(key, asOf)
  }

  close(): void {}
}

/** Rows that are computed from those of one other table. */
abstract class DerivedLookup<Kind extends TableView['kind']> implements TableLookup {
  protected readonly view: ViewOf<Kind>
  protected readonly context: OperatorContext
  readonly #parent: TableLookup

  constructor(view: ViewOf<Kind>, parent: TableLookup, context: OperatorContext) {
    this.view = view
    this.#parent = parent
    this.context = context
  }

  protected abstract derive(key: unknown, entry: Entry<unknown> | undefined): Entry<unknown> | undefined

  get(key: unknown): Entry<unknown> | undefined {
    return this.derive(key, this.#parent.get(key))
  }

  getAsOf(key: unknown, asOf: number): Entry<unknown> | undefined {
    return this.derive(key, this.#parent.getAsOf(key, asOf))
  }

  close(): void {
    this.#parent.close()
  }
}

class FilterLookup extends DerivedLookup<'filter'> {
  protected override derive(key: unknown, entry: Entry<unknown> | undefined): Entry<unknown> | undefined {
    if (entry === undefined) return undefined
    const passes = Boolean(settled(this.view.predicate(entry.value, key), this.context))
    return passes === this.view.not ? undefined : entry
  }
}

class MapValuesLookup extends DerivedLookup<'mapValues'> {
  protected override derive(key: unknown, entry: Entry<unknown> | undefined): Entry<unknown> | undefined {
    if (entry === undefined) return undefined
    return toEntry(settled(this.view.mapper(entry.value, key), this.context), entry.timestamp)
  }
}

/** Has a transformer of its own, which sees no record metadata. */
class TransformValuesLookup extends DerivedLookup<'transformValues'> {
  readonly #transformer: ValueTransformer<unknown, unknown, unknown>
  readonly #userContext: UserContext

  constructor(view: ViewOf<'transformValues'>, parent: TableLookup, context: OperatorContext) {
    super(view, parent, context)
    const userContext = new UserContext(context)
    const transformer = settled(view.supplier(), context)
    this.#userContext = userContext
    this.#transformer = transformer
    userContext.run(() => transformer.init?.(userContext))
  }

  override close(): void {
    super.close()
    this.#userContext.run(() => this.#transformer.close?.())
  }

  protected override derive(key: unknown, entry: Entry<unknown> | undefined): Entry<unknown> | undefined {
    const { record } = this.context
    const { topic, partition, offset, timestamp, headers, path } = record
    const time = entry === undefined ? -1 : entry.timestamp
    record.set(null, -1, -1, time, NO_HEADERS)
    const outer = this.#userContext.begin()
    try {
      const result = this.#transformer.transform(entry === undefined ? null : entry.value, key)
      return toEntry(settled(result, this.context), time)
    } finally {
      this.#userContext.leave(outer)
      record.set(topic, partition, offset, timestamp, headers, path)
    }
  }
}

class JoinLookup implements TableLookup {
  readonly #view: ViewOf<'join'>
  readonly #left: TableLookup
  readonly #right: TableLookup
  readonly #context: OperatorContext

  constructor(view: ViewOf<'join'>, left: TableLookup, right: TableLookup, context: OperatorContext) {
    this.#view = view
    this.#left = left
    this.#right = right
    this.#context = context
  }

  get(key: unknown): Entry<unknown> | undefined {
    const { join, joiner } = this.#view
    const left = this.#left.get(key)
    if (left === undefined && join !== 'outer') return undefined
    // Read before the other table is asked: an entry is good until the next look-up only.
    const leftValue = left === undefined ? null : left.value
    const leftTime = left === undefined ? -1 : left.timestamp
    const right = this.#right.get(key)
    if (right === undefined) {
      if (join === 'inner' || leftValue === null) return undefined
      return toEntry(settled(joiner(leftValue, null, key), this.#context), leftTime)
    }
    const time = right.timestamp > leftTime ? right.timestamp : leftTime
    return toEntry(settled(joiner(leftValue, right.value, key), this.#context), time)
  }

  /** The join of two tables has no history. */
  getAsOf(key: unknown): Entry<unknown> | undefined {
    return this.get(key)
  }

  close(): void {
    this.#left.close()
    this.#right.close()
  }
}

/** What has not come out of the suppression yet is not part of its table. */
class SuppressLookup implements TableLookup {
  readonly #buffer: SuppressBuffer<unknown, unknown>
  readonly #parent: TableLookup

  constructor(buffer: SuppressBuffer<unknown, unknown>, parent: TableLookup) {
    this.#buffer = buffer
    this.#parent = parent
  }

  get(key: unknown): Entry<unknown> | undefined {
    const prior = this.#buffer.prior(key)
    return prior === undefined ? this.#parent.get(key) : toEntry(prior, -1)
  }

  getAsOf(key: unknown): Entry<unknown> | undefined {
    return this.get(key)
  }

  close(): void {
    this.#parent.close()
  }
}

function toEntry(value: unknown, timestamp: number): Entry<unknown> | undefined {
  return value === null || value === undefined ? undefined : { value, timestamp }
}
