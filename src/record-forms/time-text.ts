const DAY = String.raw`\d{4}-\d\d-\d\d`
const CLOCK = String.raw`\d\d:\d\d(?::\d\d(?:\.\d+)?)?`
const TIME = new RegExp(`^(${DAY})(?:T(${CLOCK})(Z|[+-]\\d\\d:?\\d\\d)?)?$`)

/**
 * Reads a time: ms since the epoch, or a date or time of ISO 8601, as in 2030-01-31T12:00:00Z. Without a zone it is in
 * UTC, as Kafka's tools take it; a date alone is its midnight. Undefined for anything else.
 */
export function parseTime(text: string): number | undefined {
  if (/^-?\d{1,16}$/.test(text)) return Number(text)
  const [, day, clock = '00:00', zone = 'Z'] = TIME.exec(text) ?? []
  if (day === undefined) return undefined
  const time = Date.parse(`${day}T${clock}${zone.replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`)
  return Number.isNaN(time) ? undefined : time
}
