import { topologyError } from './topology-error.ts'

const ALLOWED = /^[A-Za-z0-9._-]{1,249}$/

/**
 * Refuses names that cannot be part of an internal topic's name.
 *
 * @throws MR_TOPOLOGY_NAME
 */
export function validateName(name: string): string {
  if (!isName(name)) {
    throw topologyError(
      'MR_TOPOLOGY_NAME',
      `${JSON.stringify(name)} cannot be the name of a node, a store or a topic`,
      'Use 1 to 249 of the characters A-Z, a-z, 0-9, ".", "_" and "-"; "." and ".." alone are not allowed.',
    )
  }
  return name
}

/** True for what can be part of an internal topic's name. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && ALLOWED.test(name) && name !== '.' && name !== '..'
}

/**
 * Draws the numbers of generated names, with one counter per builder. Which operator draws how many, in which order,
 * and that a name given by the user draws one, too, is part of the compatibility with Kafka Streams: internal topics
 * are named after them.
 */
export class NameGenerator {
  #index = 0

  next(prefix: string): string {
    return prefix + String(this.#index++).padStart(10, '0')
  }

  nextStore(prefix: string): string {
    return this.next(`${prefix}STATE-STORE-`)
  }

  /** Returns the given name, else a generated one; draws a number in either case. */
  orNext(name: string | undefined, prefix: string): string {
    const generated = this.next(prefix)
    return name === undefined ? generated : validateName(name)
  }

  /** Returns the given name with a suffix, else a generated name without one; draws a number in either case. */
  suffixedOrNext(name: string | undefined, suffix: string, prefix: string): string {
    const generated = this.next(prefix)
    return name === undefined ? generated : validateName(name + suffix)
  }
}
