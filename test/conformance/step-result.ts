import type {
  CogroupedKStream,
  GlobalKTable,
  KGroupedStream,
  KGroupedTable,
  KStream,
  KTable,
  SessionWindowedCogroupedKStream,
  SessionWindowedKStream,
  TimeWindowedCogroupedKStream,
  TimeWindowedKStream,
} from '../../src/index.ts'
import type { DataType } from './expressions.ts'

/** Types of the records that a step answers. */
export interface Types {
  readonly key: DataType
  readonly value: DataType
}

export type Grouped = KGroupedStream<unknown, unknown>
export type GroupedTable = KGroupedTable<unknown, unknown>
export type Cogrouped = CogroupedKStream<unknown, unknown>

export type Result = Types &
  (
    | { readonly kind: 'stream'; readonly stream: KStream<unknown, unknown> }
    | { readonly kind: 'table'; readonly table: KTable<unknown, unknown> }
    | { readonly kind: 'globalTable'; readonly table: GlobalKTable<unknown, unknown> }
    | { readonly kind: 'group'; readonly group: Grouped }
    | { readonly kind: 'groupedTable'; readonly group: GroupedTable }
    | {
        readonly kind: 'windows'
        readonly group: TimeWindowedKStream<unknown, unknown>
        readonly windowedKey: DataType
      }
    | {
        readonly kind: 'sessions'
        readonly group: SessionWindowedKStream<unknown, unknown>
        readonly windowedKey: DataType
      }
    | { readonly kind: 'cogroup'; readonly group: Cogrouped }
    | {
        readonly kind: 'windowedCogroup'
        readonly group: TimeWindowedCogroupedKStream<unknown, unknown>
        readonly windowedKey: DataType
      }
    | {
        readonly kind: 'sessionCogroup'
        readonly group: SessionWindowedCogroupedKStream<unknown, unknown>
        readonly windowedKey: DataType
      }
  )
