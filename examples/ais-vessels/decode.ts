import { Bits } from './bits.ts'

/** One sentence of AIS: a whole message, or a part of one. */
export interface Sentence {
  /** Number of sentences that the message has, and which of them this is. */
  readonly parts: number
  readonly part: number
  /** What the parts of one message have in common. */
  readonly message: string
  readonly payload: string
  readonly fill: number
}

/** Where a vessel is, as it reports it: message types 1, 2, 3, 18 and 19. */
export interface Position {
  readonly type: number
  readonly mmsi: number
  /** Degrees, north and east. 91 and 181: not known. */
  readonly lat: number
  readonly lon: number
  readonly knots: number
  /** Degrees. 360: not known. */
  readonly course: number
  /** Degrees. 511: not known. */
  readonly heading: number
  /** Second of the minute in which it was measured. */
  readonly second: number
}

/** Names of a vessel and of where it sails: message type 5. */
export interface Voyage {
  readonly type: 5
  readonly mmsi: number
  readonly name: string
  readonly callSign: string
  readonly destination: string
}

/** `!AIVDM,parts,part,id,channel,payload,fill*checksum` */
const SENTENCE = /^!(..VD[MO]),(\d),(\d),(\d?),(\w?),([^,]*),(\d)\*([0-9A-F]{2})$/

/** Reads a line of NMEA 0183; undefined if it is no AIS sentence, or damaged. */
export function readSentence(line: string): Sentence | undefined {
  const [, talker, parts, part, id, channel, payload, fill, sum] = SENTENCE.exec(line) ?? []
  if (payload === undefined || checksum(line) !== Number.parseInt(sum!, 16)) return undefined
  const message = [talker, channel, id].join('-')
  return { parts: Number(parts), part: Number(part), message, payload, fill: Number(fill) }
}

function checksum(line: string): number {
  let sum = 0
  for (let at = 1; line[at] !== '*'; at++) sum ^= line.charCodeAt(at)
  return sum
}

/** Reads a whole message; undefined for types that say neither where a vessel is nor what its name is. */
export function decode(payload: string, fill: number): Position | Voyage | undefined {
  const bits = new Bits(payload, fill)
  const type = bits.unsigned(0, 6)
  const mmsi = bits.unsigned(8, 30)
  // Where the fields begin: class A (1, 2, 3) has the status and the rate of turn before the speed.
  if (type >= 1 && type <= 3) return position(bits, type, mmsi, 50)
  if (type === 18 || type === 19) return position(bits, type, mmsi, 46)
  if (type !== 5) return undefined
  return { type, mmsi, name: bits.text(112, 120), callSign: bits.text(70, 42), destination: bits.text(302, 120) }
}

function position(bits: Bits, type: number, mmsi: number, speed: number): Position {
  return {
    type,
    mmsi,
    knots: bits.unsigned(speed, 10) / 10,
    lon: bits.signed(speed + 11, 28) / 600_000,
    lat: bits.signed(speed + 39, 27) / 600_000,
    course: bits.unsigned(speed + 66, 12) / 10,
    heading: bits.unsigned(speed + 78, 9),
    second: bits.unsigned(speed + 87, 6),
  }
}
