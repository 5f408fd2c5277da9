/**
 * Reads a time: ms since the epoch, or a date or time of ISO 8601 with its zone, as in 2030-01-31T12:00:00Z; a date
 * alone begins at midnight UTC. Undefined for anything else.
 */
export function parseTime(text: string): number | undefined {
  if (/^-?\d{1,16}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}
