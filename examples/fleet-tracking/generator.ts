import { Headers } from 'millrace'
import { randomAt } from '../kit/random.ts'
import type { Generator } from '../kit/generator.ts'
import { positions, vehicles } from './topics.ts'
import type { Position, Vehicle } from './topics.ts'
import { pointOf, roundTrip } from './region.ts'
import type { Place } from './region.ts'

export interface Fleet {
  readonly seed: number
  readonly trucks: number
}

/** Event time of the first readings. */
export const START = Date.UTC(2026, 0, 1, 6)
/** Every truck reports once in this many ms of event time. */
export const INTERVAL = 1000

const DRIVERS = [
  'Amara',
  'Bogdan',
  'Chiara',
  'Dieter',
  'Elif',
  'Farid',
  'Greta',
  'Hugo',
  'Ines',
  'Jonas',
  'Kofi',
  'Lena',
]
const LIMITS = [80, 80, 90, 100]

const ROUND = 0
const PHASE = 1
const CRUISE = 2
const RHYTHM = 3
const LIMIT = 4
const UNIT = 5
const DIRECTION = 6

export function truckId(truck: number): string {
  return `truck-${String(truck + 1).padStart(3, '0')}`
}

/** The fleet's register: one vehicle a truck, as of just before the first readings. */
export function vehicleGenerator(fleet: Fleet): Generator<string, Vehicle> {
  return {
    topic: vehicles,
    record: (index) => {
      const truck = index % fleet.trucks
      const letter = String.fromCharCode(65 + (Math.floor(truck / DRIVERS.length) % 26))
      return {
        key: truckId(truck),
        value: {
          plate: `MR ${1000 + truck * 7}`,
          driver: `${DRIVERS[truck % DRIVERS.length] ?? ''} ${letter}.`,
          limitKmh: pick(LIMITS, randomAt(fleet.seed, truck, LIMIT)),
        },
        timestamp: START - 1,
      }
    },
  }
}

/**
 * Readings of all trucks in turn. Each truck drives round the region by roads of its own choice, faster and slower in a
 * rhythm of its own; where it is follows from the time alone.
 */
export function positionGenerator(fleet: Fleet): Generator<string, Position> {
  const trucks = Array.from({ length: fleet.trucks }, (_, truck) => routeOf(fleet.seed, truck))
  return {
    topic: positions,
    record: (index) => {
      const truck = index % fleet.trucks
      const route = trucks[truck] ?? routeOf(fleet.seed, truck)
      const elapsed = Math.floor(index / fleet.trucks) * INTERVAL
      return {
        key: truckId(truck),
        value: route.at(elapsed / 1000),
        timestamp: START + elapsed,
        headers: new Headers().add('unit', route.unit),
      }
    },
  }
}

interface Route {
  readonly unit: string
  at(seconds: number): Position
}

function routeOf(seed: number, truck: number): Route {
  const round = new Round(roundTrip(Math.floor(randomAt(seed, truck, ROUND) * 1000)))
  const start = randomAt(seed, truck, PHASE) * round.length
  const direction = randomAt(seed, truck, DIRECTION) < 0.5 ? -1 : 1
  const cruise = (45 + 35 * randomAt(seed, truck, CRUISE)) / 3.6
  const rhythm = (2 * Math.PI) / (60 + 240 * randomAt(seed, truck, RHYTHM))
  const swing = 0.25
  return {
    unit: `gps-${Math.floor(randomAt(seed, truck, UNIT) * 10_000)}`,
    at(seconds) {
      // The way driven is the integral of the speed below.
      const way = cruise * (seconds + (swing / rhythm) * (1 - Math.cos(rhythm * seconds)))
      const speed = cruise * (1 + swing * Math.sin(rhythm * seconds))
      return { ...pointOf(round.at(start + direction * way)), speedKmh: Math.round(speed * 3.6) }
    },
  }
}

/** A way that ends where it begins, by the metres driven. */
class Round {
  readonly length: number
  readonly #places: readonly Place[]
  /** Metres from the beginning to each place. */
  readonly #metres: readonly number[]

  constructor(places: readonly Place[]) {
    this.#places = places
    const metres: number[] = []
    let sum = 0
    for (const [index, place] of places.entries()) {
      metres.push(sum)
      sum += metresTo(place, this.#after(index))
    }
    this.#metres = metres
    this.length = sum
  }

  /** @param metres from the beginning; more than the length for later rounds, negative for the other way round */
  at(metres: number): Place {
    const left = ((metres % this.length) + this.length) % this.length
    const index = this.#lastUpTo(left)
    const from = this.#places[index]!
    const to = this.#after(index)
    const share = (left - this.#metres[index]!) / metresTo(from, to)
    return { east: from.east + (to.east - from.east) * share, north: from.north + (to.north - from.north) * share }
  }

  #after(index: number): Place {
    return this.#places[(index + 1) % this.#places.length]!
  }

  /** Returns the last place that is not farther than that, by halving. */
  #lastUpTo(metres: number): number {
    let [low, high] = [0, this.#metres.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#metres[middle]! <= metres) low = middle
      else high = middle - 1
    }
    return low
  }
}

function metresTo(from: Place, to: Place): number {
  return Math.hypot(to.east - from.east, to.north - from.north) * 1000
}

function pick(from: readonly number[], random: number): number {
  return from[Math.floor(random * from.length)] ?? 0
}
