import { MillraceError } from '../../errors/millrace-error.ts'

/** @throws MR_STORE_NULL_KEY */
export function requireKey(key: unknown, store: string): void {
  if (key !== null && key !== undefined) return
  throw new MillraceError('MR_STORE_NULL_KEY', `a key may not be ${String(key)}`, {
    store,
    hint: 'Stores have no entry for null: leave such records out before they reach the store.',
  })
}
