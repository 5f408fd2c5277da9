import { ignoreRejection, isAsyncFunction, isThenable } from '../../platform/thenable.ts'
import { topologyError } from '../../topology/topology-error.ts'

/**
 * A user's function without its types, which the DSL's signatures have checked. The only place where they are given up.
 *
 * @throws MR_TOPOLOGY_FUNCTION for anything but a function, which plain JavaScript lets through, and for an `async` one
 */
export function erased<R>(fn: (...args: never) => R, what: string): (...args: unknown[]) => R {
  if (typeof fn !== 'function') {
    throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} is ${fn === null ? 'null' : typeof fn}`, 'give a function')
  }
  if (isAsyncFunction(fn)) {
    throw topologyError(
      'MR_TOPOLOGY_FUNCTION',
      `${what} is an async function`,
      'return the result itself: nothing is awaited between two records; join with a table what has to be looked up',
    )
  }
  return fn as (...args: unknown[]) => R
}

/**
 * What a function returned that builds a part of the topology.
 *
 * @throws MR_TOPOLOGY_FUNCTION for a promise: what is built after an `await` comes too late
 */
export function builtAtOnce<R>(result: R, what: string): R {
  if (!isThenable(result)) return result
  ignoreRejection(result)
  throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} returned a promise`, 'build everything before it returns')
}
