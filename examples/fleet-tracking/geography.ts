export interface Point {
  readonly lat: number
  readonly lon: number
}

const METRES_PER_DEGREE = 111_320

/** Distance in whole metres; flat, which is exact enough for two readings of one truck. */
export function metresBetween(from: Point, to: Point): number {
  const north = (to.lat - from.lat) * METRES_PER_DEGREE
  const east = (to.lon - from.lon) * METRES_PER_DEGREE * Math.cos((from.lat * Math.PI) / 180)
  return Math.round(Math.hypot(north, east))
}

/** The point that lies this many metres north and east. */
export function pointFrom(origin: Point, north: number, east: number): Point {
  return {
    lat: round(origin.lat + north / METRES_PER_DEGREE),
    lon: round(origin.lon + east / (METRES_PER_DEGREE * Math.cos((origin.lat * Math.PI) / 180))),
  }
}

/** How many metres north and east of the origin a point lies: the inverse of `pointFrom`. */
export function metresFrom(origin: Point, { lat, lon }: Point): { readonly north: number; readonly east: number } {
  return {
    north: (lat - origin.lat) * METRES_PER_DEGREE,
    east: (lon - origin.lon) * METRES_PER_DEGREE * Math.cos((origin.lat * Math.PI) / 180),
  }
}

/** To about 10 cm, as receivers do. */
function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6
}
