import type { WindowDefinition } from './window-definition.ts'

/** Returns the ms of stream time from a window's end until it closes: its grace; for sessions, gap and grace. */
export function closingDelay(window: WindowDefinition): number {
  switch (window.kind) {
    case 'session':
      return window.gap + window.grace
    case 'unlimited':
      return Number.POSITIVE_INFINITY
    default:
      return window.grace
  }
}

/** True if `end` itself belongs to the window, which then closes one ms later than a window whose end is excluded. */
export function includesEnd(window: WindowDefinition): boolean {
  return window.kind === 'sliding' || window.kind === 'session' || window.kind === 'join'
}

/**
 * True once no record can change a window with this end any more: an update would be late, and the result is final. For
 * a join, `end` is the left record's timestamp + `after`.
 */
export function isWindowClosed(window: WindowDefinition, end: number, streamTime: number): boolean {
  switch (window.kind) {
    case 'tumbling':
    case 'hopping':
    case 'period':
      return end <= streamTime - window.grace
    case 'session':
      return end < streamTime - window.grace - window.gap
    case 'unlimited':
      return false
    default:
      return end < streamTime - window.grace
  }
}
