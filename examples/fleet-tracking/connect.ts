import { join } from 'node:path'
import { defineConnectors, fileSource } from 'millrace/connect'
import { Position, positions } from './topics.ts'

/** Readings from files of receivers, in place of the generator: rows of time, truck, latitude, longitude and speed. */
export default defineConnectors({
  id: 'fleet-files',
  connectors: [
    fileSource({
      name: 'receivers',
      path: join(import.meta.dirname, '*.csv'),
      format: 'csv',
      topic: positions,
      value: ({ lat, lon, speedKmh }) =>
        Position.parse({ lat: Number(lat), lon: Number(lon), speedKmh: Number(speedKmh) }),
      key: (_position, { input }) => input['truck'] ?? null,
      timestamp: (_position, { input }) => Date.parse(input['time'] ?? ''),
    }),
  ],
})
