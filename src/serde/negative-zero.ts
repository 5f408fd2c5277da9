/** Returns 0 for -0, and any other number itself. */
export function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value
}
