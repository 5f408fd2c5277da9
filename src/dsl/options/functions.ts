import { ignoreRejection, isAsyncFunction, isThenable } from '../../platform/thenable.ts'
import { topologyError } from '../../topology/topology-error.ts'

/**
 * Erases the types of a user's function, which the DSL's signatures have checked. Nothing else erases types.
 *
 * @throws MR_TOPOLOGY_FUNCTION for anything but a function, which plain JavaScript lets through, and for an `async` one
 */
export function erased<R>(fn: (...args: never) => R, what: string): (...args: unknown[]) => R {
  const plain = erasedAsync(fn, what)
  if (isAsyncFunction(fn)) {
    throw topologyError(
      'MR_TOPOLOGY_FUNCTION',
      `${what} is an async function`,
      'Return the result itself: nothing is awaited between two records. To look data up, join with a table; ' +
        'to call a service, use mapValuesAsync() or its like.',
    )
  }
  return plain
}

/** As `erased`, for a function that may be `async`: its promise is awaited. */
export function erasedAsync<R>(fn: (...args: never) => R, what: string): (...args: unknown[]) => R {
  if (typeof fn === 'function') return fn as (...args: unknown[]) => R
  throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} is ${fn === null ? 'null' : typeof fn}`, 'Give a function.')
}

/**
 * Returns the result of a function that builds a part of the topology.
 *
 * @throws MR_TOPOLOGY_FUNCTION for a promise: what is built after an `await` comes too late
 */
export function builtAtOnce<R>(result: R, what: string): R {
  if (!isThenable(result)) return result
  ignoreRejection(result)
  throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} returned a promise`, 'Build everything before it returns.')
}
