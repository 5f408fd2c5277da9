import { MillraceError } from '../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { ClusterOptions } from './connection-options.ts'

/** Returns the pause in ms after an attempt, from 0 on: doubled up to the limit, a fifth random to avoid lockstep. */
export function backoff(options: Pick<ClusterOptions, 'retryBackoff' | 'retryBackoffMax'>, attempt: number): number {
  const full = Math.min(options.retryBackoff * 2 ** Math.min(attempt, 20), options.retryBackoffMax)
  return full * (0.8 + 0.2 * Math.random())
}

/** Resolves after `delayMs` or when aborted. Keeps the process alive until then, as a call is under way. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => undefined, 2 ** 30)
    const done = () => {
      clearInterval(keepAlive)
      timer.cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.schedule(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}

/** Time in ms for which a topic may be unknown: the broker has just started, or the topic is too new for it. */
const UNKNOWN_TOPIC_PATIENCE = 10_000
/** The same for topics whose offsets are committed, which are not new. */
export const READ_TOPIC_PATIENCE = 500

export interface RetryOptions {
  /** The action, for the text of the error: `creating topics`. */
  readonly what: string
  /** Ends the repetition when aborted: the last error is thrown at once. */
  readonly signal?: AbortSignal
  /** Time in ms for which a topic may be unknown. Default: 10 s. */
  readonly unknownTopicPatience?: number
  /** Called before each new attempt, to forget what the error disproved. */
  readonly onRetry?: (error: KafkaError) => void
}

/**
 * Repeats `attempt` on retriable Kafka errors, with pauses, for at most `apiTimeout`. If no broker knows a topic, it
 * repeats for at most `unknownTopicPatience`.
 *
 * @throws the last error of `attempt`; MR_LOG_UNREACHABLE if that was a failed connection
 */
export async function retrying<T>(options: ClusterOptions, retry: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { clock, apiTimeout } = options
  const { unknownTopicPatience = UNKNOWN_TOPIC_PATIENCE } = retry
  const since = clock.monotonic()
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable || retry.signal?.aborted) throw error
      const delay = backoff(options, failures)
      const isUnknown = error.apiCode === kafkaErrors.unknownTopicOrPartition
      const timeout = isUnknown ? Math.min(unknownTopicPatience, apiTimeout) : apiTimeout
      if (clock.monotonic() - since + delay >= timeout) throw gaveUp(options, retry.what, error)
      retry.onRetry?.(error)
      await pause(clock, delay, retry.signal)
    }
  }
}

function gaveUp(options: ClusterOptions, what: string, error: KafkaError): MillraceError {
  if (error.apiName !== 'NETWORK_EXCEPTION') return error
  return unreachable(options, what, error)
}

/** Returns the error for brokers that do not respond. It names the bootstrap brokers. */
function unreachable(options: ClusterOptions, what: string, cause: unknown): MillraceError {
  const brokers = options.brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new MillraceError('MR_LOG_UNREACHABLE', `no Kafka broker of ${brokers} responded while ${what}${detail}`, {
    cause,
    hint:
      'Check that the brokers run and that their advertised listeners can be reached from here. ' +
      'Check the TLS and SASL settings.',
  })
}
