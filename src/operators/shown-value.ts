/**
 * A value of a store for functions of the user and for what comes after an operator. Both may change it, and what the
 * store holds must not change with it: the answer would depend on whether the value still lies in memory.
 */
export function shownValue(value: unknown, state: { copy(value: unknown): unknown }): unknown {
  return typeof value === 'object' ? state.copy(value) : value
}
