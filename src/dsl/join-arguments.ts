import type { AnyFunction } from '../options/options.ts'
import { topologyError } from '../topology/topology-error.ts'
import type { JoinWindows } from '../windowing/windows.ts'
import type { Named, StreamJoinOptions, TableJoinOptions } from './options/operator-options.ts'

export type JoinOptions = StreamJoinOptions<unknown, unknown, unknown> | TableJoinOptions<unknown, unknown> | Named
/** The third argument of `join`: windows, the joiner after a key mapper, or the options. */
export type ThirdArgument = JoinWindows | AnyFunction | JoinOptions | undefined

/** @throws MR_TOPOLOGY_FUNCTION */
export function functionArgument(argument: ThirdArgument, what: string): AnyFunction {
  if (isFunction(argument)) return argument
  throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} is no function`, 'Give a function.')
}

/** @throws MR_TOPOLOGY_WINDOWS */
export function windowsArgument(argument: ThirdArgument, method: string): JoinWindows {
  if (isJoinWindows(argument)) return argument
  throw topologyError(
    'MR_TOPOLOGY_WINDOWS',
    `${method}() of two streams has no windows`,
    "Say how far apart the records may be: join(other, joiner, joinWindow('5m')).",
  )
}

/** @throws MR_TOPOLOGY_WINDOWS */
export function optionsArgument(argument: ThirdArgument, method: string): JoinOptions | undefined {
  if (!isFunction(argument) && !isJoinWindows(argument)) return argument
  throw topologyError(
    'MR_TOPOLOGY_WINDOWS',
    `${method}() of a stream with a table has ${isFunction(argument) ? 'two joiners' : 'windows'}`,
    'Leave them out: a record is joined with the row that the table has at that moment.',
  )
}

function isFunction(argument: ThirdArgument): argument is AnyFunction {
  return typeof argument === 'function'
}

function isJoinWindows(argument: ThirdArgument): argument is JoinWindows {
  return typeof argument === 'object' && argument !== null && 'kind' in argument && argument.kind === 'join'
}
