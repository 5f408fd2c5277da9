import { metresFrom, pointFrom } from './geography.ts'
import type { Point } from './geography.ts'
import { randomAt } from '../kit/random.ts'

/* A region that does not exist: its coast, its towns and its roads, in kilometres east and north of a corner. */

/** A place on the plane: kilometres east and north of the south-western corner of the region. */
export interface Place {
  readonly east: number
  readonly north: number
}

/** The corner, somewhere in the North Sea. */
export const CORNER: Point = { lat: 54.4, lon: 3.2 }
/** Kilometres from side to side. */
export const SIZE = { east: 64, north: 40 }

export interface Town extends Place {
  readonly name: string
  /** 3: a city; 1: a village. */
  readonly rank: 1 | 2 | 3
}

export const TOWNS: Readonly<Record<string, Town>> = {
  quern: { name: 'Port Quern', east: 17.5, north: 18.2, rank: 3 },
  sluice: { name: 'Sluice', east: 30.2, north: 24.6, rank: 3 },
  weirham: { name: 'Weirham', east: 45.4, north: 26.3, rank: 3 },
  headrace: { name: 'Headrace', east: 27.6, north: 34.2, rank: 2 },
  tailrace: { name: 'Tailrace Bay', east: 39.4, north: 12.2, rank: 2 },
  penstock: { name: 'Penstock', east: 53.8, north: 17.2, rank: 2 },
  leat: { name: 'Leat', east: 38.2, north: 33.2, rank: 1 },
  hopper: { name: 'Hopper', east: 55.2, north: 31.6, rank: 2 },
  millstone: { name: 'Millstone', east: 29.4, north: 14.6, rank: 1 },
  gristle: { name: 'Grist', east: 18.6, north: 28.4, rank: 1 },
  bolter: { name: 'Bolter', east: 46.6, north: 19.2, rank: 1 },
  damsel: { name: 'Damsel Point', east: 51.4, north: 9.4, rank: 1 },
}

/** Roads between towns, with the places that they pass. */
const ROADS: readonly (readonly [from: string, to: string, ...by: Place[]])[] = [
  ['quern', 'sluice', { east: 21.4, north: 20.6 }, { east: 25.6, north: 21.4 }],
  ['sluice', 'weirham', { east: 35.2, north: 26.8 }, { east: 40.4, north: 25.2 }],
  ['sluice', 'headrace', { east: 30.4, north: 28.4 }, { east: 28.2, north: 31.0 }],
  ['headrace', 'leat', { east: 31.4, north: 35.6 }, { east: 35.0, north: 34.0 }],
  ['leat', 'weirham', { east: 41.0, north: 31.8 }, { east: 43.6, north: 29.2 }],
  ['quern', 'millstone', { east: 20.8, north: 15.8 }, { east: 25.0, north: 15.4 }],
  ['millstone', 'tailrace', { east: 32.6, north: 12.8 }, { east: 36.0, north: 13.2 }],
  ['millstone', 'sluice', { east: 30.8, north: 18.0 }, { east: 29.4, north: 21.4 }],
  ['tailrace', 'bolter', { east: 41.6, north: 15.2 }, { east: 44.8, north: 16.6 }],
  ['bolter', 'weirham', { east: 47.6, north: 21.6 }, { east: 45.6, north: 23.8 }],
  ['bolter', 'penstock', { east: 49.2, north: 18.8 }, { east: 51.4, north: 16.8 }],
  ['penstock', 'hopper', { east: 56.4, north: 21.4 }, { east: 54.4, north: 26.4 }],
  ['weirham', 'hopper', { east: 48.8, north: 28.2 }, { east: 51.8, north: 30.6 }],
  ['quern', 'gristle', { east: 16.2, north: 21.8 }, { east: 17.4, north: 25.2 }],
  ['gristle', 'headrace', { east: 20.8, north: 31.4 }, { east: 24.6, north: 32.6 }],
  ['tailrace', 'damsel', { east: 43.4, north: 10.6 }, { east: 47.4, north: 10.8 }],
  ['damsel', 'penstock', { east: 53.4, north: 11.2 }, { east: 52.8, north: 14.4 }],
]

/** Ways round, by the towns that they pass; each ends where it begins. */
const ROUNDS: readonly (readonly string[])[] = [
  ['quern', 'sluice', 'millstone'],
  ['sluice', 'weirham', 'leat', 'headrace'],
  ['quern', 'gristle', 'headrace', 'sluice'],
  ['tailrace', 'bolter', 'penstock', 'damsel'],
  ['weirham', 'hopper', 'penstock', 'bolter'],
  ['millstone', 'tailrace', 'bolter', 'weirham', 'sluice'],
  ['quern', 'gristle', 'headrace', 'leat', 'weirham', 'bolter', 'tailrace', 'millstone'],
  ['sluice', 'weirham', 'hopper', 'penstock', 'bolter', 'tailrace', 'millstone'],
]

/** The coast of the mainland, roughly: the sea is in the west and in the south. */
const COAST: readonly Place[] = [
  { east: 21, north: 80 },
  { east: 20.2, north: 44.6 },
  { east: 19.4, north: 38.6 },
  { east: 15.2, north: 34.2 },
  { east: 13.4, north: 29.2 },
  { east: 14.6, north: 25.4 },
  { east: 11.2, north: 22.6 },
  { east: 12.4, north: 18.6 },
  { east: 15.8, north: 16.8 },
  { east: 14.4, north: 13.2 },
  { east: 18.2, north: 10.8 },
  { east: 23.6, north: 12.2 },
  { east: 27.2, north: 10.4 },
  { east: 31.8, north: 9.4 },
  { east: 35.4, north: 10.6 },
  { east: 37.2, north: 8.4 },
  { east: 40.4, north: 9.8 },
  { east: 42.2, north: 7.2 },
  { east: 46.8, north: 7.8 },
  { east: 49.4, north: 5.2 },
  { east: 54.2, north: 6.2 },
  { east: 57.4, north: 9.6 },
  { east: 56.6, north: 13.8 },
  { east: 60.2, north: 16.4 },
  { east: 66, north: 17.6 },
  { east: 90, north: 22 },
  { east: 90, north: 80 },
]

const ISLANDS: readonly (readonly Place[])[] = [
  [
    { east: 5.2, north: 31.4 },
    { east: 8.4, north: 32.8 },
    { east: 9.6, north: 30.2 },
    { east: 7.4, north: 27.6 },
    { east: 4.6, north: 28.6 },
  ],
  [
    { east: 22.4, north: 5.4 },
    { east: 26.2, north: 6.0 },
    { east: 27.8, north: 4.2 },
    { east: 24.2, north: 3.0 },
    { east: 21.6, north: 3.8 },
  ],
  [
    { east: 4.2, north: 14.6 },
    { east: 6.4, north: 15.4 },
    { east: 7.0, north: 13.4 },
    { east: 5.0, north: 12.4 },
  ],
]

const LAKE: readonly Place[] = [
  { east: 34.2, north: 29.6 },
  { east: 37.4, north: 30.4 },
  { east: 39.2, north: 28.8 },
  { east: 36.8, north: 27.8 },
  { east: 34.6, north: 28.2 },
]

/** From the mountains through the lake to the sea. */
const RIVER: readonly Place[] = [
  { east: 47.4, north: 42 },
  { east: 44.2, north: 37.4 },
  { east: 40.6, north: 34.8 },
  { east: 38.4, north: 30.4 },
  { east: 36, north: 28.8 },
  { east: 33.2, north: 26.2 },
  { east: 33.4, north: 21.2 },
  { east: 34.6, north: 16.4 },
  { east: 33.4, north: 12.4 },
  { east: 34.2, north: 9.6 },
]

/** Seed of the small bays: the same region each time. */
const SHAPE = 11

/** What is drawn of the region. Lines are dense enough to be drawn from point to point. */
export interface Region {
  readonly land: readonly (readonly Place[])[]
  readonly lake: readonly Place[]
  readonly river: readonly Place[]
  readonly roads: readonly (readonly Place[])[]
}

export function region(): Region {
  return {
    land: [COAST, ...ISLANDS].map((line, index) => rugged(line, index)),
    lake: smoothRing(LAKE, 4),
    river: smooth(RIVER, 4),
    roads: ROADS.map(([from, to, ...by]) => smooth([townAt(from), ...by, townAt(to)], 4)),
  }
}

/** Returns a way along roads that ends where it begins. @param index of any whole number */
export function roundTrip(index: number): readonly Place[] {
  const towns = ROUNDS[index % ROUNDS.length] ?? []
  const way = towns.flatMap((town, at) => wayBetween(town, towns[(at + 1) % towns.length] ?? town))
  return smoothRing(way, 4)
}

export function pointOf({ east, north }: Place): Point {
  return pointFrom(CORNER, north * 1000, east * 1000)
}

export function placeOf(point: Point): Place {
  const { north, east } = metresFrom(CORNER, point)
  return { east: east / 1000, north: north / 1000 }
}

/** Returns the places from one town up to the next one, without the last. */
function wayBetween(from: string, to: string): Place[] {
  for (const [start, end, ...by] of ROADS) {
    if (start === from && end === to) return [townAt(from), ...by]
    if (start === to && end === from) return [townAt(from), ...by.toReversed()]
  }
  throw new RangeError(`there is no road from ${from} to ${to}`)
}

function townAt(name: string): Town {
  const town = TOWNS[name]
  if (town === undefined) throw new RangeError(`there is no town ${name}`)
  return town
}

/** Cuts the corners of an open line, again and again (Chaikin). Its ends stay. */
function smooth(line: readonly Place[], times: number): readonly Place[] {
  let points = line
  for (let time = 0; time < times; time++) {
    const [first, last] = [points[0]!, points.at(-1)!]
    points = [first, ...points.slice(1).flatMap((to, index) => cut(points[index]!, to)), last]
  }
  return points
}

function smoothRing(ring: readonly Place[], times: number): readonly Place[] {
  let points = ring
  for (let time = 0; time < times; time++) {
    points = points.flatMap((from, index) => cut(from, points[(index + 1) % points.length]!))
  }
  return points
}

function cut(from: Place, to: Place): readonly [Place, Place] {
  return [between(from, to, 0.25), between(from, to, 0.75)]
}

function between(from: Place, to: Place, share: number): Place {
  return { east: from.east + (to.east - from.east) * share, north: from.north + (to.north - from.north) * share }
}

/** Makes a coast of a ring of places: each side is broken in the middle, by ever less. */
function rugged(ring: readonly Place[], number: number): readonly Place[] {
  let points = ring
  for (let time = 0; time < 5; time++) {
    points = points.flatMap((from, index) => {
      const to = points[(index + 1) % points.length]!
      const middle = between(from, to, 0.5)
      const push = (randomAt(SHAPE + number, index, time) - 0.5) * 0.42
      const [east, north] = [to.north - from.north, from.east - to.east]
      return [from, { east: middle.east + east * push, north: middle.north + north * push }]
    })
  }
  return smoothRing(points, 1)
}
