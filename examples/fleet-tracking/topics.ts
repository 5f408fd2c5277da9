import { json, string, topic, windowed } from 'millrace'
import { z } from 'zod'

/** What a truck's receiver sends. The record's header `unit` names the receiver. */
export const Position = z.object({
  lat: z.number().min(-90).max(90),
  lon: z.number().min(-180).max(180),
  speedKmh: z.number().nonnegative(),
})
export type Position = z.output<typeof Position>

/** An entry of the fleet's register. */
export const Vehicle = z.object({ plate: z.string(), driver: z.string(), limitKmh: z.int().positive() })
export type Vehicle = z.output<typeof Vehicle>

export interface TruckStatus extends Position, Vehicle {}

export interface SpeedingAlert {
  readonly driver: string
  readonly plate: string
  readonly speedKmh: number
  readonly limitKmh: number
}

export interface TruckMinute {
  readonly metres: number
  readonly meanKmh: number
  readonly readings: number
}

/** Input, by truck. */
export const positions = topic('truck-positions', { key: string(), value: json(Position) })
/** Input, by truck: a table. */
export const vehicles = topic('vehicles', { key: string(), value: json(Vehicle) })

/** Output, by truck: where it is and who drives it. */
export const trucks = topic('trucks', { key: string(), value: json<TruckStatus>() })
/** Output, by truck: every reading above the limit. */
export const alerts = topic('speeding-alerts', { key: string(), value: json<SpeedingAlert>() })
/** Output, by truck and minute. */
export const minutes = topic('truck-minutes', { key: windowed(string(), '1m'), value: json<TruckMinute>() })
