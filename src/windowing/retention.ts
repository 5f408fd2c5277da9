import type { WindowDefinition } from './window-definition.ts'

/**
 * Milliseconds of stream time that a store must keep for its windows to be complete; what Kafka Streams keeps by default.
 * Entries whose window start (session: end) is at or before stream time - retention are gone.
 */
export function minimumRetention(window: WindowDefinition): number {
  switch (window.kind) {
    case 'tumbling':
    case 'hopping':
      return window.size + window.grace
    case 'period':
      return window.maxSize + window.grace
    case 'sliding':
      return 2 * window.difference + window.grace
    case 'session':
      return window.gap + window.grace
    case 'unlimited':
      return Number.MAX_SAFE_INTEGER
    case 'join':
      return window.before + window.after + window.grace
  }
}

/**
 * Milliseconds that Millrace keeps by default, so that what other keys have done to the store's time never changes a result.
 * One more than Kafka Streams for sessions: a session that ended exactly `gap` ago must still be found. Two more for sliding
 * windows: the latest record that is not too late needs the window that ended 1 ms before it. A negative bound of a join
 * shortens its window, but not the time for which a partner may come.
 */
export function defaultRetention(window: WindowDefinition): number {
  switch (window.kind) {
    case 'session':
      return minimumRetention(window) + 1
    case 'sliding':
      return minimumRetention(window) + 2
    case 'join':
      return Math.max(0, window.before) + Math.max(0, window.after) + window.grace
    default:
      return minimumRetention(window)
  }
}
