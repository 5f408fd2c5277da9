import { constants } from 'node:os'

/**
 * Has SIGTERM and SIGINT end this process, as they end others that do not handle them, if it is the first of its
 * container: the kernel keeps from such a process every signal without a handler. Without this, a container that is
 * stopped before its application runs would live on until it is killed.
 */
export function obeySignals(): void {
  if (process.pid !== 1) return
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const isHandled = process.listenerCount(signal) > 1
      if (!isHandled) process.exit(128 + constants.signals[signal])
    })
  }
}
