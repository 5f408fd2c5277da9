/** The straight line that fits best (least squares). */
export interface Trend {
  /** Change of y for one x. */
  readonly slope: number
  /** Standard error of the slope, as if each y were off by chance alone. */
  readonly error: number
}

export type Point = readonly [x: number, y: number]

export function trendOf(points: readonly Point[]): Trend {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) }
}
