import { json, string, topic } from 'millrace'
import type { Position, Voyage } from './decode.ts'

/** A vessel as it was heard last. */
export interface Vessel extends Position {
  /** Undefined until it has said its name. */
  readonly name?: string
  readonly destination?: string
}

/** Input: sentences of NMEA 0183, by what the parts of one message have in common. */
export const sentences = topic('ais-sentences', { key: string(), value: string() })
/** Reports of positions, by MMSI. */
export const positions = topic('ais-positions', { key: string(), value: json<Position>() })
/** Names and destinations, by MMSI: a table. */
export const voyages = topic('ais-voyages', { key: string(), value: json<Voyage>() })
/** Output, by MMSI: where each vessel was heard last. */
export const vessels = topic('ais-vessels', { key: string(), value: json<Vessel>() })
/** Output, by MMSI: the vessels that are in the zone. One that has left has a tombstone. */
export const inZone = topic('ais-in-zone', { key: string(), value: json<Vessel>(), tombstones: true })
