import { option, type About, type Option } from '../options/options.ts'

const DAY = String.raw`\d{4}-\d\d-\d\d`
const CLOCK = String.raw`\d\d:\d\d(?::\d\d(?:\.\d+)?)?`
const TIME = new RegExp(`^(${DAY})(?:T(${CLOCK})(Z|[+-]\\d\\d:?\\d\\d)?)?$`)

/** A time as Kafka's tools take it, `2026-11-01T12:00:00.000`, in UTC unless a zone follows. It is read as ms. */
export function datetime(about: About<number>): Option<number | undefined> {
  return option<number>('ISO 8601', about, (given, place) => {
    const [, day, clock = '00:00', zone = 'Z'] = TIME.exec(String(given)) ?? []
    const time = Date.parse(`${day}T${clock}${zone.replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`)
    if (!Number.isNaN(time)) return time
    throw place.refuse(given, 'Give a time, as in 2026-11-01T12:00Z.')
  })
}
