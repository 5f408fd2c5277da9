import type { Trace } from '../../errors/trace.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ValueShape } from '../../serde/shaped-serde.ts'
import type { WindowDefinition } from '../../windowing/windows.ts'
import type { GraphNode } from '../../topology/graph/graph-node.ts'
import type { LogicalGraph } from '../../topology/graph/logical-graph.ts'
import type { TableView } from '../../topology/operator-spec.ts'

/** What made a table: how to look it up, and how to make its changes carry the old value. */
export interface TableOrigin {
  /** Returns how the table's current rows are looked up. Makes a source table keep its rows in a store. */
  view(): TableView
  /** Makes changes carry the old value. Source tables without a store return false, unless `force` gives them one. */
  sendOldValues(force: boolean): boolean
}

/** Symbol under which streams and tables keep what the operators work on, out of their users' sight. */
export const HANDLE: unique symbol = Symbol('handle')

/** Symbol under which streams and tables carry their types; no such property exists at run time. */
export declare const TYPES: unique symbol

/** What an operator made. */
interface Made {
  readonly graph: LogicalGraph
  readonly node: GraphNode
  /** Undefined: no longer known. */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
}

interface NamedHandle extends Made {
  readonly name: string
  /** Names of the source nodes that feed it. */
  readonly sources: ReadonlySet<string>
}

interface GroupHandle extends Made {
  /** Name that the user gave for the repartition topic: all aggregations of the group then share one. */
  readonly repartitionName: string | undefined
  sharedRepartition?: GraphNode
}

/** A stream in the logical graph. */
export interface StreamHandle extends NamedHandle {
  /** True if the key may have changed: what needs equal keys in one partition must repartition first. */
  readonly repartition: boolean
  /** The repartition that joins of this stream share. */
  joinRepartition?: GraphNode
}

/** A table in the logical graph. */
export interface TableHandle extends NamedHandle {
  readonly origin: TableOrigin
  /** The shape of the values of its store, if they have versions. */
  readonly shape?: ValueShape | undefined
  /** True if something downstream asked for old values, and they are sent. */
  sendsOldValues: boolean
}

export interface GlobalTableHandle {
  readonly graph: LogicalGraph
  readonly store: string
}

/** A stream grouped by key, ready to be aggregated. */
export interface GroupedStreamHandle extends NamedHandle, GroupHandle {
  /** The user's call of `groupBy` or `groupByKey`. */
  readonly trace: Trace
  readonly repartition: boolean
}

/** A table grouped by a new key. */
export type GroupedTableHandle = GroupHandle

export interface WindowedStreamHandle<W extends WindowDefinition> {
  readonly grouped: GroupedStreamHandle
  readonly windows: W
  readonly emitOnClose: boolean
}
