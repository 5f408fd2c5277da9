/**
 * What the workloads read: every record is a function of its number alone, so that whoever checks the answers needs
 * nothing but the number of records.
 */
export interface Position {
  readonly truck: string
  readonly ts: number
  readonly lat: number
  readonly lon: number
  readonly speed: number
  readonly heading: number
  readonly driver: string
  readonly odo: number
}

export interface Payment {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly currency: string
  readonly merchant: string
  readonly kind: string
  readonly ts: number
}

export interface Vehicle {
  readonly truck: string
  readonly model: string
  readonly fleet: string
  readonly capacity: number
}

/** Event time of record 0, ms. */
export const BASE_TIME = 1_700_000_000_000
export const TRUCKS = 1000
const DRIVERS = 500

/** 32 bits that look random: of record `i`, one sequence per `salt`. */
export function hash(i: number, salt: number): number {
  let x = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

/** Ten positions in 36 ms; one in ten is late, by less than 5 s. */
export function position(i: number): Position {
  const late = hash(i, 4)
  return {
    truck: `truck-${hash(i, 1) % TRUCKS}`,
    ts: BASE_TIME + Math.floor(i * 3.6) - (late % 10 === 0 ? Math.floor(late / 10) % 5000 : 0),
    lat: 45 + (hash(i, 5) % 1_000_000) / 100_000,
    lon: (hash(i, 6) % 2_000_000) / 100_000,
    speed: hash(i, 2) % 120,
    heading: hash(i, 9) % 360,
    driver: `drv-${hash(i, 3) % DRIVERS}`,
    odo: hash(i, 10) % 900_000,
  }
}

export function payment(i: number, accounts: number): Payment {
  return {
    id: `pay-${1_000_000 + i}`,
    account: `acct-${hash(i, 11) % accounts}`,
    amount: 1 + (hash(i, 12) % 100_000),
    currency: 'EUR',
    merchant: `m-${hash(i, 13) % 5000}`,
    kind: 'card',
    ts: BASE_TIME + i,
  }
}

export function vehicle(truck: number): Vehicle {
  return {
    truck: `truck-${truck}`,
    model: `M${hash(truck, 20) % 9}`,
    fleet: `fleet-${hash(truck, 21) % 40}`,
    capacity: 1000 + (hash(truck, 22) % 20_000),
  }
}
