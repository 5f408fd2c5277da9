import type { OperatorName, OperatorSpec, SpecOf } from '../topology/operator-spec.ts'
import { Aggregate } from './aggregate.ts'
import { Branch } from './branch.ts'
import { Filter } from './filter.ts'
import { FlatMapValues } from './flat-map-values.ts'
import { FlatMap } from './flat-map.ts'
import { ForEach } from './for-each.ts'
import { ForeignKeyAnswer } from './foreign-key-answer.ts'
import { ForeignKeyNotify } from './foreign-key-notify.ts'
import { ForeignKeyReceive } from './foreign-key-receive.ts'
import { ForeignKeyResolve } from './foreign-key-resolve.ts'
import { ForeignKeySubscribe } from './foreign-key-subscribe.ts'
import { GlobalProcess } from './global-process.ts'
import { GlobalTableSource } from './global-table-source.ts'
import { JoinWindow } from './join-window.ts'
import { MapValues } from './map-values.ts'
import { MapRecord } from './map.ts'
import type { Operator } from './operator.ts'
import { PassThrough } from './pass-through.ts'
import { Peek } from './peek.ts'
import { PeriodAggregate } from './period-aggregate.ts'
import { Print } from './print.ts'
import { ProcessValues } from './process-values.ts'
import { Process } from './process.ts'
import { RepartitionFilter } from './repartition-filter.ts'
import { SelectKey } from './select-key.ts'
import { SessionAggregate } from './session-aggregate.ts'
import { SlidingAggregate } from './sliding-aggregate.ts'
import { StreamGlobalTableJoin } from './stream-global-table-join.ts'
import { StreamJoin } from './stream-join.ts'
import { StreamSelfJoin } from './stream-self-join.ts'
import { StreamTableJoin } from './stream-table-join.ts'
import { Suppress } from './suppress.ts'
import { TableAggregate } from './table-aggregate.ts'
import { TableFilter } from './table-filter.ts'
import { TableGroupBy } from './table-group-by.ts'
import { TableJoinMerge } from './table-join-merge.ts'
import { TableJoin } from './table-join.ts'
import { TableMapValues } from './table-map-values.ts'
import { TableReduce } from './table-reduce.ts'
import { TableSource } from './table-source.ts'
import { TableToStream } from './table-to-stream.ts'
import { TableTransformValues } from './table-transform-values.ts'
import { WindowAggregate } from './window-aggregate.ts'

type Specs = { readonly [Name in OperatorName]: SpecOf<Name> }
type Constructors = { readonly [Name in OperatorName]: new (spec: Specs[Name]) => Operator }

const CONSTRUCTORS: Constructors = {
  filter: Filter,
  map: MapRecord,
  mapValues: MapValues,
  flatMap: FlatMap,
  flatMapValues: FlatMapValues,
  selectKey: SelectKey,
  peek: Peek,
  forEach: ForEach,
  print: Print,
  passThrough: PassThrough,
  branch: Branch,
  repartitionFilter: RepartitionFilter,
  process: Process,
  processValues: ProcessValues,
  aggregate: Aggregate,
  windowAggregate: WindowAggregate,
  periodAggregate: PeriodAggregate,
  slidingAggregate: SlidingAggregate,
  sessionAggregate: SessionAggregate,
  tableSource: TableSource,
  globalTableSource: GlobalTableSource,
  globalProcess: GlobalProcess,
  tableFilter: TableFilter,
  tableMapValues: TableMapValues,
  tableTransformValues: TableTransformValues,
  tableToStream: TableToStream,
  tableGroupBy: TableGroupBy,
  tableAggregate: TableAggregate,
  tableReduce: TableReduce,
  tableJoin: TableJoin,
  tableJoinMerge: TableJoinMerge,
  suppress: Suppress,
  joinWindow: JoinWindow,
  streamJoin: StreamJoin,
  streamSelfJoin: StreamSelfJoin,
  streamTableJoin: StreamTableJoin,
  streamGlobalTableJoin: StreamGlobalTableJoin,
  foreignKeySubscribe: ForeignKeySubscribe,
  foreignKeyReceive: ForeignKeyReceive,
  foreignKeyAnswer: ForeignKeyAnswer,
  foreignKeyNotify: ForeignKeyNotify,
  foreignKeyResolve: ForeignKeyResolve,
}

/** The running operator for what the topology says of a node. The task sets output and context, then calls `init`. */
export function createOperator(spec: OperatorSpec): Operator {
  return construct(spec.op, spec)
}

function construct<Name extends OperatorName>(name: Name, spec: Specs[Name]): Operator {
  const constructor: Constructors[Name] = CONSTRUCTORS[name]
  return new constructor(spec)
}
