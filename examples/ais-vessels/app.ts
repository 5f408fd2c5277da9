import { defineApp, json, string } from 'millrace'
import { Assembly, incomplete } from './assembly.ts'
import type { Position, Voyage } from './decode.ts'
import { inZone, positions, sentences, vessels, voyages } from './topics.ts'
import type { Vessel } from './topics.ts'

/** The way from the sea to Rotterdam. */
export const ZONE = { south: 51.85, north: 52.05, west: 3.9, east: 4.6 }

export function isInZone({ lat, lon }: Position): boolean {
  return lat >= ZONE.south && lat <= ZONE.north && lon >= ZONE.west && lon <= ZONE.east
}

export default defineApp({
  id: 'ais-vessels',
  guarantee: 'exactly_once',
  build: (builder) => {
    const reports = builder.stream(sentences).process(() => new Assembly(), { stores: [incomplete], name: 'assembly' })
    reports.filter((report): report is Position => report.type !== 5).to(positions)
    reports.filter((report): report is Voyage => report.type === 5).to(voyages)

    const last = builder.table(positions, { store: 'last-positions' })
    const names = builder.table(voyages, { store: 'names' })
    const known = last.leftJoin(names, withName, { store: 'vessels', key: string(), value: json<Vessel>() })
    known.toStream().to(vessels)
    known.filter(isInZone).toStream().to(inZone)
  },
})

function withName(position: Position, voyage: Voyage | null): Vessel {
  return voyage === null ? position : { ...position, name: voyage.name, destination: voyage.destination }
}
