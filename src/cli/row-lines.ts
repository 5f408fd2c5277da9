import { printable, timeText } from './text.ts'

/** A row, as a server shows it. */
export interface Row {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp?: number | null
  /** Bounds of a window or a session. */
  readonly start?: number
  readonly end?: number
  /** End of a version; null: it is the latest. */
  readonly validTo?: number | null
}

/** The value comes last: it is the longest. */
export function lineOf({ key, value, timestamp, start, end, validTo }: Row): string {
  const times = start === undefined ? [timestamp, ...(validTo === undefined ? [] : [validTo])] : [start, end]
  const texts = times.map((time) => (typeof time === 'number' ? timeText(time) : '-'))
  return printable([keyText(key), ...texts, JSON.stringify(value)].join('  '))
}

/** Returns the line for a row that is gone. */
export function goneLine({ key, start, end }: Partial<Row>): string {
  const times = start === undefined || end === undefined ? ['-'] : [timeText(start), timeText(end)]
  return printable([keyText(key), ...times, 'deleted'].join('  '))
}

/** A key that is text without blanks is shown as it is, any other as JSON. */
function keyText(key: unknown): string {
  return typeof key === 'string' && /^[^\s\p{Cc}"]+$/u.test(key) ? key : JSON.stringify(key)
}

/** JSON may hold controls as they are that a terminal would obey. */
export function jsonLine(row: object): string {
  return JSON.stringify(row).replaceAll(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)
}

export function isRow(value: object): value is Row {
  return 'key' in value && 'value' in value
}
