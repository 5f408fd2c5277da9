import type { JoinKind, Joiner, TableView } from '../../topology/operator-spec.ts'
import type { TableHandle, TableOrigin } from './handles.ts'

/** Asks a table for old values. Once it sends them, it goes on doing so. */
export function enableOldValues(table: TableHandle, force: boolean): boolean {
  if (!table.sendsOldValues && table.origin.sendOldValues(force)) table.sendsOldValues = true
  return table.sendsOldValues
}

export type StoreKind = Extract<TableView, { readonly kind: 'store' }>['storeKind']

/** `table()`, `toTable()`, results of foreign-key joins: stored only if named or needed. */
export class SourceOrigin implements TableOrigin {
  readonly store: string
  readonly versioned: boolean
  materialized: boolean
  sendsOldValues = false

  constructor(store: string, versioned: boolean, named: boolean) {
    this.store = store
    this.versioned = versioned
    this.materialized = named
  }

  view(): TableView {
    this.materialized = true
    return { kind: 'store', store: this.store, storeKind: this.versioned ? 'versioned' : 'keyValue' }
  }

  sendOldValues(force: boolean): boolean {
    if (!force && !this.materialized) return false
    this.materialized = true
    this.sendsOldValues = true
    return true
  }
}

/** Aggregations: always stored. */
export class AggregateOrigin implements TableOrigin {
  readonly store: string
  readonly storeKind: StoreKind
  sendsOldValues = false

  constructor(store: string, storeKind: StoreKind) {
    this.store = store
    this.storeKind = storeKind
  }

  view(): TableView {
    return { kind: 'store', store: this.store, storeKind: this.storeKind }
  }

  sendOldValues(): boolean {
    this.sendsOldValues = true
    return true
  }
}

/** `filter`, `mapValues`, `transformValues`: stored only if named, else computed from the parent. */
export class DerivedOrigin implements TableOrigin {
  readonly store: string | null
  sendsOldValues: boolean
  readonly #storeKind: StoreKind
  readonly #parent: TableHandle
  readonly #derive: (parent: TableView) => TableView

  constructor(
    parent: TableHandle,
    store: { readonly name: string; readonly kind: StoreKind } | null,
    sendsOldValues: boolean,
    derive: (parent: TableView) => TableView,
  ) {
    this.#parent = parent
    this.store = store?.name ?? null
    this.#storeKind = store?.kind ?? 'keyValue'
    this.sendsOldValues = sendsOldValues
    this.#derive = derive
  }

  view(): TableView {
    if (this.store !== null) return { kind: 'store', store: this.store, storeKind: this.#storeKind }
    return this.#derive(this.#parent.origin.view())
  }

  sendOldValues(force: boolean): boolean {
    if (this.store !== null || enableOldValues(this.#parent, force)) this.sendsOldValues = true
    return this.sendsOldValues
  }
}

/** Table-table joins by primary key. */
export class JoinOrigin implements TableOrigin {
  readonly store: string | null
  sendsOldValues = false
  readonly #storeKind: StoreKind
  readonly #left: TableHandle
  readonly #right: TableHandle
  readonly #join: JoinKind
  readonly #joiner: Joiner

  constructor(
    left: TableHandle,
    right: TableHandle,
    join: JoinKind,
    joiner: Joiner,
    store: { readonly name: string; readonly kind: StoreKind } | null,
  ) {
    this.#left = left
    this.#right = right
    this.#join = join
    this.#joiner = joiner
    this.store = store?.name ?? null
    this.#storeKind = store?.kind ?? 'keyValue'
  }

  view(): TableView {
    if (this.store !== null) return { kind: 'store', store: this.store, storeKind: this.#storeKind }
    return {
      kind: 'join',
      join: this.#join,
      left: this.#left.origin.view(),
      right: this.#right.origin.view(),
      joiner: this.#joiner,
    }
  }

  sendOldValues(): boolean {
    enableOldValues(this.#left, true)
    enableOldValues(this.#right, true)
    this.sendsOldValues = true
    return true
  }
}

/** A cogroup: several aggregations into one store. */
export class CogroupOrigin implements TableOrigin {
  readonly #aggregations: readonly AggregateOrigin[]

  constructor(aggregations: readonly AggregateOrigin[]) {
    this.#aggregations = aggregations
  }

  view(): TableView {
    const [first] = this.#aggregations
    if (first === undefined) throw new Error('a cogroup has at least one input')
    return first.view()
  }

  sendOldValues(): boolean {
    for (const aggregation of this.#aggregations) aggregation.sendOldValues()
    return true
  }
}

/** `suppress`: what is held back is not visible yet. */
export class SuppressOrigin implements TableOrigin {
  readonly #parent: TableHandle
  readonly #buffer: string

  constructor(parent: TableHandle, buffer: string) {
    this.#parent = parent
    this.#buffer = buffer
  }

  view(): TableView {
    return { kind: 'suppress', buffer: this.#buffer, of: this.#parent.origin.view() }
  }

  sendOldValues(force: boolean): boolean {
    return enableOldValues(this.#parent, force)
  }
}

/** Returns the stores that a look-up reads. */
export function storesOf(view: TableView): string[] {
  switch (view.kind) {
    case 'store':
      return [view.store]
    case 'filter':
    case 'mapValues':
      return storesOf(view.of)
    case 'transformValues':
      return [...new Set([...storesOf(view.of), ...view.stores])]
    case 'join':
      return [...new Set([...storesOf(view.left), ...storesOf(view.right)])]
    case 'suppress':
      return [view.buffer, ...storesOf(view.of)]
  }
}

/** True if a look-up can be made as of a time. */
export function isVersionedView(view: TableView): boolean {
  switch (view.kind) {
    case 'store':
      return view.storeKind === 'versioned'
    case 'join':
    case 'suppress':
      return false
    default:
      return isVersionedView(view.of)
  }
}
