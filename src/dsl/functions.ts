import { topologyError } from '../topology/topology-error.ts'

/**
 * A user's function without its types, which the DSL's signatures have checked. The only place where they are given up.
 *
 * @throws MR_TOPOLOGY_FUNCTION for anything but a function: plain JavaScript is not checked by a compiler
 */
export function erased<R>(fn: (...args: never) => R, what: string): (...args: unknown[]) => R {
  if (typeof fn !== 'function') {
    throw topologyError('MR_TOPOLOGY_FUNCTION', `${what} is ${fn === null ? 'null' : typeof fn}`, 'give a function')
  }
  return fn as (...args: unknown[]) => R
}
