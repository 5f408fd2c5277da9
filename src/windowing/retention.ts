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
 * Milliseconds that Millrace keeps by default. One more than Kafka Streams for sessions: a session that ended exactly `gap`
 * ago must still be found, whatever other keys have done to the store's time.
 */
export function defaultRetention(window: WindowDefinition): number {
  return window.kind === 'session' ? window.gap + window.grace + 1 : minimumRetention(window)
}
