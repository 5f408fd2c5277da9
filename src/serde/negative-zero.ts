/** -0 is written as 0. */
export function withoutNegativeZero(value: number): number {
  return value === 0 ? 0 : value
}
