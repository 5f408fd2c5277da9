import { asBuffer } from '../../serde/byte-view.ts'
import { serialized } from '../../serde/call-serde.ts'
import type { Serde } from '../../serde/serde.ts'

/** What the keys of all subscriptions to one foreign key begin with: its length (4 bytes) and its bytes. */
export function subscriptionPrefix(foreignKey: Uint8Array): Buffer {
  const prefix = Buffer.allocUnsafe(4 + foreignKey.length)
  prefix.writeInt32BE(foreignKey.length, 0)
  prefix.set(foreignKey, 4)
  return prefix
}

/** The key under which the right side keeps a subscription. */
export function subscriptionKey(foreignKey: Uint8Array, primaryKey: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(4 + foreignKey.length + primaryKey.length)
  key.writeInt32BE(foreignKey.length, 0)
  key.set(foreignKey, 4)
  key.set(primaryKey, 4 + foreignKey.length)
  return key
}

/** True if both values have the same bytes, which is what makes them the same foreign key. */
export function sameBytes(serde: Serde<unknown>, one: unknown, other: unknown): boolean {
  return one === other || asBuffer(serialized(serde, one)).equals(serialized(serde, other))
}
