/**
 * An update that travels between table operators: the new value of a key, and the old one if an operator downstream
 * asked for it (otherwise null). `isLatest` is false only for an out-of-order update of a versioned table.
 */
export class Change<V> {
  readonly newValue: V | null
  readonly oldValue: V | null
  readonly isLatest: boolean

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    this.newValue = newValue
    this.oldValue = oldValue
    this.isLatest = isLatest
  }
}
