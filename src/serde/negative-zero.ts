/** False for -0 alone, which is written as 0. */
export function isNotNegativeZero(value: number): boolean {
  return value !== 0 || 1 / value > 0
}
