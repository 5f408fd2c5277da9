/* Numbers and times as people read them. */

const NONE = '–'

/** `12.4k`, `1.2M`; whole numbers below 1,000. */
export function countText(value: number | undefined | null): string {
  if (value === undefined || value === null) return NONE
  if (value < 1000) return String(Math.round(value))
  if (value < 999_500) return `${trimmed(value / 1000)}k`
  return value < 999_500_000 ? `${trimmed(value / 1e6)}M` : `${trimmed(value / 1e9)}G`
}

/** Three digits, as in `12.4k`; `0.3` for what is rare. */
export function rateText(value: number | undefined): string {
  if (value === undefined) return NONE
  if (value > 0 && value < 9.95) return value < 0.05 ? '<0.1' : trimmed(value)
  return countText(value)
}

function trimmed(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '')
}

export function wholeText(value: number | undefined | null): string {
  return value === undefined || value === null ? NONE : value.toLocaleString('en-US')
}

export function percentText(share: number | undefined | null): string {
  if (share === undefined || share === null) return NONE
  return share > 0 && share < 0.01 ? '<1 %' : `${Math.round(share * 100)} %`
}

export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return NONE
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${trimmed(bytes / size)} ${unit}`
  }
  return `${bytes} B`
}

export function msText(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return NONE
  if (ms >= 10_000) return durationText(ms)
  return ms < 10 ? `${trimmed(ms)} ms` : `${Math.round(ms)} ms`
}

/** `45 s`, `3 min`, `2 h`. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

/** `2026-11-29 21:04:22`, in the time zone of the browser. */
export function timeText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return String(ms)
  const local = new Date(ms - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** Text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? NONE)
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${wholeText(count)} ${count === 1 ? one : many}`
}
