import type { OperatorName, OperatorSpec, OperatorSpecs } from '../../topology/operator-spec.ts'
import { Aggregate } from '../aggregate/aggregate.ts'
import { AsyncStep } from '../async/async-step.ts'
import { Branch } from '../stateless/branch.ts'
import { Filter } from '../stateless/filter.ts'
import { FlatMapValues } from '../stateless/flat-map-values.ts'
import { FlatMap } from '../stateless/flat-map.ts'
import { ForEach } from '../stateless/for-each.ts'
import { ForeignKeyAnswer } from '../foreign-key/foreign-key-answer.ts'
import { ForeignKeyNotify } from '../foreign-key/foreign-key-notify.ts'
import { ForeignKeyReceive } from '../foreign-key/foreign-key-receive.ts'
import { ForeignKeyResolve } from '../foreign-key/foreign-key-resolve.ts'
import { ForeignKeySubscribe } from '../foreign-key/foreign-key-subscribe.ts'
import { GlobalProcess } from '../process/global-process.ts'
import { GlobalTableSource } from '../table/global-table-source.ts'
import { JoinWindow } from '../join/stream-join-window.ts'
import { MapValues } from '../stateless/map-values.ts'
import { MapRecord } from '../stateless/map.ts'
import type { Operator } from '../operator.ts'
import { PassThrough } from '../stateless/pass-through.ts'
import { Peek } from '../stateless/peek.ts'
import { PeriodAggregate } from '../window/period-aggregate.ts'
import { Print } from '../stateless/print.ts'
import { ProcessValues } from '../process/process-values.ts'
import { Process } from '../process/process.ts'
import { RepartitionFilter } from '../stateless/repartition-filter.ts'
import { SelectKey } from '../stateless/select-key.ts'
import { SessionAggregate } from '../window/session-aggregate.ts'
import { SlidingAggregate } from '../window/sliding-aggregate.ts'
import { StreamGlobalTableJoin } from '../join/stream-global-table-join.ts'
import { StreamJoin } from '../join/stream-join.ts'
import { StreamSelfJoin } from '../join/stream-self-join.ts'
import { StreamTableJoin } from '../join/stream-table-join.ts'
import { Suppress } from '../suppress/suppress.ts'
import { TableAggregate } from '../aggregate/table-aggregate.ts'
import { TableFilter } from '../table/table-filter.ts'
import { TableGroupBy } from '../aggregate/table-group-by.ts'
import { TableJoinMerge } from '../join/table-join-merge.ts'
import { TableJoin } from '../join/table-join.ts'
import { TableMapValues } from '../table/table-map-values.ts'
import { TableReduce } from '../aggregate/table-reduce.ts'
import { TableSource } from '../table/table-source.ts'
import { TableToStream } from '../table/table-to-stream.ts'
import { TableTransformValues } from '../table/table-transform-values.ts'
import { WindowAggregate } from '../window/window-aggregate.ts'

type Constructors = { readonly [Name in OperatorName]: new (spec: OperatorSpecs[Name]) => Operator }

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
  async: AsyncStep,
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

function construct<Name extends OperatorName>(name: Name, spec: OperatorSpecs[Name]): Operator {
  const constructor: Constructors[Name] = CONSTRUCTORS[name]
  return new constructor(spec)
}
