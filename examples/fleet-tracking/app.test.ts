import { describe, expect, test } from 'vitest'
import { Windowed } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import app from './app.ts'
import { positionGenerator, START, truckId, vehicleGenerator } from './generator.ts'
import { metresBetween, pointFrom } from './geography.ts'
import { alerts, minutes, positions, trucks, vehicles } from './topics.ts'

const DEPOT = { lat: 50, lon: 8 }
const MINUTE = 60_000
const VEHICLE = { plate: 'MR 1', driver: 'Amara A.', limitKmh: 80 }

function at(metresNorth: number, speedKmh: number): { lat: number; lon: number; speedKmh: number } {
  return { ...pointFrom(DEPOT, metresNorth, 0), speedKmh }
}

function driverWithVehicle(): TopologyTestDriver {
  const driver = new TopologyTestDriver(app)
  driver.input(vehicles).pipe('truck-001', VEHICLE, { timestamp: START - 1 })
  return driver
}

describe('fleet tracking', () => {
  test('the last position of a truck is kept together with its vehicle', () => {
    using driver = driverWithVehicle()
    driver.input(positions).pipe('truck-001', at(0, 50), { timestamp: START })
    driver.input(positions).pipe('truck-001', at(14, 52), { timestamp: START + 1000 })
    expect(driver.output(trucks).readMap()).toEqual(new Map([['truck-001', { ...VEHICLE, ...at(14, 52) }]]))
  })

  test('a reading above the limit is an alert with the header of its receiver; a reading at the limit is not', () => {
    using driver = driverWithVehicle()
    const input = driver.input(positions)
    input.pipe('truck-001', at(0, 80), { timestamp: START, headers: [['unit', 'gps-1']] })
    input.pipe('truck-001', at(23, 81), { timestamp: START + 1000, headers: [['unit', 'gps-1']] })
    const [alert, ...more] = driver.output(alerts).readAll()
    expect(more).toEqual([])
    expect(alert).toMatchObject({
      key: 'truck-001',
      value: { driver: 'Amara A.', plate: 'MR 1', speedKmh: 81, limitKmh: 80 },
      timestamp: START + 1000,
    })
    expect(alert?.headers.getString('unit')).toBe('gps-1')
  })

  test('a truck that is not in the register has its metres counted, but no alerts', () => {
    using driver = new TopologyTestDriver(app)
    driver.input(positions).pipe('truck-999', at(0, 200), { timestamp: START })
    expect(driver.output(alerts).isEmpty).toBe(true)
    expect(driver.output(minutes).size).toBe(1)
  })

  test('metres and mean speed are counted by minute; a way across two minutes belongs to the later one', () => {
    using driver = driverWithVehicle()
    const input = driver.input(positions)
    input.pipe('truck-001', at(0, 40), { timestamp: START })
    input.pipe('truck-001', at(300, 60), { timestamp: START + 30_000 })
    input.pipe('truck-001', at(900, 80), { timestamp: START + MINUTE })
    expect(driver.output(minutes).readKeyValues().slice(1)).toEqual([
      [new Windowed('truck-001', START, START + MINUTE), { metres: 300, meanKmh: 50, readings: 2 }],
      [new Windowed('truck-001', START + MINUTE, START + 2 * MINUTE), { metres: 600, meanKmh: 80, readings: 1 }],
    ])
  })

  test('a late reading counts for the mean speed and adds no metres', () => {
    using driver = driverWithVehicle()
    const input = driver.input(positions)
    input.pipe('truck-001', at(0, 40), { timestamp: START })
    input.pipe('truck-001', at(300, 40), { timestamp: START + 20_000 })
    input.pipe('truck-001', at(150, 70), { timestamp: START + 10_000 })
    expect(driver.output(minutes).readAll().at(-1)?.value).toEqual({ metres: 300, meanKmh: 50, readings: 3 })
  })

  test('the made-up fleet drives as its generator computes', () => {
    const fleet = { seed: 5, trucks: 4 }
    const seconds = 90
    using driver = new TopologyTestDriver(app)
    const register = vehicleGenerator(fleet)
    for (let index = 0; index < fleet.trucks; index++) {
      const { key, value, timestamp } = register.record(index)
      driver.input(vehicles).pipe(key, value, { timestamp })
    }
    const generator = positionGenerator(fleet)
    let speeding = 0
    for (let index = 0; index < fleet.trucks * seconds; index++) {
      const { key, value, timestamp } = generator.record(index)
      driver.input(positions).pipe(key, value, { timestamp })
      if (value.speedKmh > register.record(index % fleet.trucks).value.limitKmh) speeding++
    }
    expect(speeding).toBeGreaterThan(0)
    expect(driver.output(alerts).size).toBe(speeding)

    const byMinute = driver.output(minutes).readAll()
    const last = new Map(byMinute.map(({ key, value }) => [String(key), value]))
    for (let truck = 0; truck < fleet.trucks; truck++) {
      const way = Array.from({ length: seconds }, (_, second) => generator.record(second * fleet.trucks + truck).value)
      let metres = 0
      for (const [second, point] of way.entries()) {
        const before = way[second - 1]
        if (before !== undefined) metres += metresBetween(before, point)
      }
      const counted = [START, START + MINUTE].map((start) => last.get(`[${truckId(truck)}@${start}/${start + MINUTE}]`))
      expect(counted.reduce((sum, minute) => sum + (minute?.metres ?? 0), 0)).toBe(metres)
      expect(counted.reduce((sum, minute) => sum + (minute?.readings ?? 0), 0)).toBe(seconds)
    }
  })
})

test('a truck is as fast as the way between two of its readings says', () => {
  const fleet = { seed: 11, trucks: 3 }
  const generator = positionGenerator(fleet)
  for (let index = fleet.trucks; index < fleet.trucks * 120; index++) {
    const before = generator.record(index - fleet.trucks)
    const { value } = generator.record(index)
    const kmh = metresBetween(before.value, value) * 3.6
    expect(Math.abs(kmh - (before.value.speedKmh + value.speedKmh) / 2)).toBeLessThan(4)
  }
})

test('reading i is the same reading whenever and wherever it is generated', () => {
  const fleet = { seed: 1, trucks: 10 }
  expect(positionGenerator(fleet).record(12_345)).toEqual(positionGenerator(fleet).record(12_345))
  expect(positionGenerator(fleet).record(5).value).not.toEqual(positionGenerator({ ...fleet, seed: 2 }).record(5).value)
})
