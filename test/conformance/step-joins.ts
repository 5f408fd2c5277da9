import { joinWindow } from '../../src/index.ts'
import { expression, joiner } from './expressions.ts'
import type { TypedFunction } from './expressions.ts'
import type { Step } from './scenario.ts'
import { materialize, named, serdeOf, serdes, storeOption } from './step-options.ts'
import type { Result } from './step-result.ts'

type Join = TypedFunction<(left: unknown, right: unknown, key?: unknown) => unknown>
type StreamResult = Extract<Result, { readonly kind: 'stream' }>
type TableResult = Extract<Result, { readonly kind: 'table' }>

/** `join`, `leftJoin` and `outerJoin`: what the two steps are decides which one it is. */
export function joinSteps(step: Step, left: Result, right: Result): Result {
  const join = joiner(step.joiner ?? '', left.value, right.value)
  if (left.kind === 'table' && right.kind === 'table') {
    return step.fk === undefined
      ? joinTables(step, left, right, join)
      : joinByForeignKey(step, left, right, join, step.fk)
  }
  if (left.kind !== 'stream') throw new Error(`${step.id} joins a ${left.kind}`)
  switch (right.kind) {
    case 'stream':
      return joinStreams(step, left, right, join)
    case 'table':
      return joinTable(step, left, right, join)
    case 'globalTable':
      return joinGlobalTable(step, left, right, join)
    default:
      throw new Error(`${step.id} joins with a ${right.kind}`)
  }
}

function joinTables(step: Step, left: TableResult, right: TableResult, { type, run }: Join): Result {
  const types = { key: left.key, value: type }
  const options = { ...named(step), ...materialize(step, types, false) }
  const join = (a: unknown, b: unknown): unknown => run(a, b)
  switch (step.op) {
    case 'join':
      return { kind: 'table', ...types, table: left.table.join(right.table, join, options) }
    case 'leftJoin':
      return { kind: 'table', ...types, table: left.table.leftJoin(right.table, join, options) }
    default:
      return { kind: 'table', ...types, table: left.table.outerJoin(right.table, join, options) }
  }
}

function joinByForeignKey(step: Step, left: TableResult, right: TableResult, { type, run }: Join, fk: string): Result {
  const types = { key: left.key, value: type }
  const options = { ...named(step), ...materialize(step, types, true) }
  const join = (a: unknown, b: unknown): unknown => run(a, b)
  const { evaluate } = expression(fk, left.key, left.value)
  return step.op === 'join'
    ? { kind: 'table', ...types, table: left.table.join(right.table, evaluate, join, options) }
    : { kind: 'table', ...types, table: left.table.leftJoin(right.table, evaluate, join, options) }
}

function joinStreams(step: Step, left: StreamResult, right: StreamResult, { type, run }: Join): Result {
  const { beforeMs: before = 0, afterMs: after = 0, graceMs: grace = 0 } = step.windows ?? {}
  const windows = joinWindow({ before, after, grace })
  const options = { ...named(step), ...serdes(left), otherValue: serdeOf(right.value), ...storeOption(step) }
  const types = { kind: 'stream', key: left.key, value: type } as const
  switch (step.op) {
    case 'join':
      return { ...types, stream: left.stream.join(right.stream, run, windows, options) }
    case 'leftJoin':
      return { ...types, stream: left.stream.leftJoin(right.stream, run, windows, options) }
    default:
      return { ...types, stream: left.stream.outerJoin(right.stream, run, windows, options) }
  }
}

function joinTable(step: Step, left: StreamResult, right: TableResult, { type, run }: Join): Result {
  const grace = step.graceMs === undefined ? {} : { grace: step.graceMs }
  const options = { ...named(step), ...serdes(left), ...grace }
  const types = { kind: 'stream', key: left.key, value: type } as const
  return step.op === 'join'
    ? { ...types, stream: left.stream.join(right.table, run, options) }
    : { ...types, stream: left.stream.leftJoin(right.table, run, options) }
}

function joinGlobalTable(
  step: Step,
  left: StreamResult,
  right: Extract<Result, { readonly kind: 'globalTable' }>,
  { type, run }: Join,
): Result {
  const { evaluate } = expression(step.keyFn ?? 'k', left.key, left.value)
  const types = { kind: 'stream', key: left.key, value: type } as const
  return step.op === 'join'
    ? { ...types, stream: left.stream.join(right.table, evaluate, run, named(step)) }
    : { ...types, stream: left.stream.leftJoin(right.table, evaluate, run, named(step)) }
}
