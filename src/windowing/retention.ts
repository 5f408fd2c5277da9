import type { WindowDefinition } from './window-definition.ts'

/**
 * Returns the ms of stream time that a store must keep for its windows to be complete, which Kafka Streams keeps by
 * default. Entries whose window start (session: end) is at or before stream time - retention are gone.
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
 * Returns the ms that Millrace keeps by default, so that other keys, which also move the store's time, never change a
 * result. For sessions it is one more than in Kafka Streams: a session that ended exactly `gap` ago must still be
 * found. For sliding windows it is two more: the latest record that is not too late needs the window that ended 1 ms
 * before it. A negative bound of a join shortens its window, but not the time in which a partner may come.
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
