import { defineApp, json, string, tumbling } from 'millrace'
import { lastPoints, Legs } from './legs.ts'
import type { Leg } from './legs.ts'
import { alerts, minutes, positions, trucks, vehicles } from './topics.ts'
import type { SpeedingAlert, TruckMinute, TruckStatus } from './topics.ts'

interface MinuteSums {
  readonly metres: number
  readonly speeds: number
  readonly readings: number
}

export default defineApp({
  id: 'fleet-tracking',
  guarantee: 'exactly_once',
  build: (builder) => {
    const readings = builder.stream(positions)
    const register = builder.table(vehicles, { store: 'vehicles' })

    const known = readings.join(register, (position, vehicle): TruckStatus => ({ ...position, ...vehicle }))

    known.toTable({ store: 'trucks', key: string(), value: json<TruckStatus>() }).toStream().to(trucks)

    // The alert keeps the headers of its reading, so that it names the receiver too.
    known
      .filter((truck) => truck.speedKmh > truck.limitKmh)
      .mapValues(({ driver, plate, speedKmh, limitKmh }): SpeedingAlert => ({ driver, plate, speedKmh, limitKmh }))
      .to(alerts)

    readings
      .processValues(() => new Legs(), { stores: [lastPoints], name: 'legs' })
      .groupByKey({ key: string(), value: json<Leg>() })
      .windowedBy(tumbling('1m', { grace: '10s' }))
      .aggregate((): MinuteSums => ({ metres: 0, speeds: 0, readings: 0 }), addLeg, {
        // The page shows the last minutes of a truck.
        store: { name: 'minutes', retention: '1h' },
        value: json<MinuteSums>(),
      })
      .toStream()
      .mapValues(toMinute)
      .to(minutes)
  },
})

function addLeg(sums: MinuteSums, leg: Leg): MinuteSums {
  return {
    metres: sums.metres + leg.metres,
    speeds: sums.speeds + leg.speedKmh,
    readings: sums.readings + 1,
  }
}

function toMinute({ metres, speeds, readings }: MinuteSums): TruckMinute {
  return { metres, readings, meanKmh: Math.round((speeds / readings) * 10) / 10 }
}
