import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TopologyTestDriver } from 'millrace/testing'
import app, { isInZone, ZONE } from './app.ts'
import { readSentence, type Position } from './decode.ts'
import { inZone, positions, sentences, vessels, voyages } from './topics.ts'

const linesOf = (name: string) =>
  readFileSync(join(import.meta.dirname, name), 'utf8')
    .trimEnd()
    .split('\n')
const LINES = linesOf('sentences.nmea')
/** What gpsd says of the same sentences: integers as they are sent. */
const DECODED = linesOf('gpsd-decoded.ndjson').map((line) => JSON.parse(line) as Record<string, number | string>)

function piped(lines: readonly string[]): TopologyTestDriver {
  const driver = new TopologyTestDriver(app)
  const input = driver.input(sentences)
  for (const [index, line] of lines.entries())
    input.pipe(readSentence(line)?.message ?? null, line, { timestamp: index })
  return driver
}

describe('vessels', () => {
  test('are where gpsd says that they are: 807 positions of as many messages', () => {
    using driver = piped(LINES)
    const asSent = ({ type, mmsi, lat, lon, knots, course, heading, second }: Position) => ({
      type,
      mmsi,
      lat: Math.round(lat * 600_000),
      lon: Math.round(lon * 600_000),
      speed: Math.round(knots * 10),
      course: Math.round(course * 10),
      heading,
      second,
    })
    const expected = DECODED.filter(({ type }) => type !== 5)
    expect(expected).toHaveLength(807)
    expect(
      driver
        .output(positions)
        .readAll()
        .map(({ value }) => asSent(value!)),
    ).toEqual(expected)
  })

  test('have the names that gpsd reads, of messages in two sentences', () => {
    using driver = piped(LINES)
    const expected = DECODED.filter(({ type }) => type === 5)
    expect(expected).toHaveLength(130)
    const named = driver
      .output(voyages)
      .readAll()
      .map(({ value }) => value!)
    expect(
      named.map(({ type, mmsi, name, callSign, destination }) => ({
        type,
        mmsi,
        shipname: name,
        callsign: callSign,
        destination,
      })),
    ).toEqual(expected)
  })

  test('are listed where they were heard last', () => {
    using driver = piped(LINES)
    const last = new Map(DECODED.filter(({ type }) => type !== 5).map(({ mmsi, lat }) => [String(mmsi), lat]))
    const listed = driver.output(vessels).readMap()
    expect(new Map([...listed].map(([mmsi, vessel]) => [mmsi, Math.round(vessel!.lat * 600_000)]))).toEqual(last)
  })

  test('are in the zone until they leave it', () => {
    using driver = piped(LINES)
    const reader = driver.output(inZone)
    const inside = [...reader.readMap()].filter(([, vessel]) => vessel !== null)
    const last = [...driver.output(vessels).readMap()].filter(([, vessel]) => isInZone(vessel!))
    expect(inside.map(([mmsi]) => mmsi).toSorted()).toEqual(last.map(([mmsi]) => mmsi).toSorted())
    expect(inside.length).toBeGreaterThan(0)
    const [mmsi, vessel] = inside[0]!
    driver.input(positions).pipe(mmsi, { ...vessel!, lat: ZONE.north + 1 }, { timestamp: LINES.length })
    expect(reader.readMap().get(mmsi)).toBeNull()
  })

  test('that lost a part of their message, or a character, are not made up', () => {
    const [first, second] = LINES.filter((line) => line.includes('VDM,2,')).slice(0, 2)
    using driver = piped([second!, first!, LINES[0]!.replace('13n', '14n')])
    expect(driver.output(voyages).isEmpty).toBe(true)
    expect(driver.output(positions).isEmpty).toBe(true)
  })
})
