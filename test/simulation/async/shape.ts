import type { Guarantee } from '../../../src/log/log.ts'
import type { Random } from '../random.ts'

/** Parts of the topology, each with asynchronous steps of its own. */
export const PIECES = [
  'ordered',
  'stateful',
  'chain',
  'rekeyed',
  'completed',
  'notified',
  'diamond',
  'numbered',
] as const
export type Piece = (typeof PIECES)[number]

/** How a step makes its calls. */
export interface StepShape {
  readonly concurrency: number
  readonly sameKey: 'serial' | 'concurrent'
  /** ms. */
  readonly timeout: number
  readonly backoff: number
  readonly drainTimeout: number
  /** Whether results may leave as they are completed, where the order does not count. */
  readonly asCompleted: boolean
}

export interface AsyncShape {
  readonly guarantee: Guarantee
  readonly pieces: readonly Piece[]
  /** By piece, so that steps of one piece are alike. */
  readonly steps: Readonly<Record<Piece, StepShape>>
  /** Attempts at a call; more than there can be: calls fail only if they are refused for good. */
  readonly attempts: number
  /** What becomes of calls that fail for good. With `fail` the service refuses none. */
  readonly onError: 'fail' | 'continue' | 'deadLetter'
  /** Share of the attempts that fail or hang. */
  readonly trouble: number
  readonly threads: number
  readonly cacheBytes: number
  readonly bufferedRecords: number
  readonly replaceThread: boolean
  readonly standbyReplicas: number
  readonly commitInterval: number
}

const UNENDING = 1_000_000

export function randomAsyncShape(random: Random): AsyncShape {
  const pieces = PIECES.filter(() => random.chance(0.35))
  if (pieces.length === 0) pieces.push(random.pick(PIECES))
  const onError = random.pick(['fail', 'fail', 'continue', 'deadLetter'] as const)
  const attempts = onError === 'fail' ? random.pick([1, 2, 5, UNENDING]) : UNENDING
  return {
    guarantee: random.chance(0.7) ? 'exactly_once' : 'at_least_once',
    pieces,
    steps: Object.fromEntries(PIECES.map((piece) => [piece, randomStep(random)])) as Record<Piece, StepShape>,
    attempts,
    onError,
    trouble: attempts < 5 ? random.pick([0, 0.01, 0.03]) : random.pick([0, 0.1, 0.4]),
    threads: random.between(1, 2),
    cacheBytes: random.pick([0, 300, 1_000_000]),
    bufferedRecords: random.pick([1, 10, 1000]),
    replaceThread: random.chance(0.5),
    standbyReplicas: random.pick([0, 0, 1]),
    commitInterval: random.pick([20, 100, 400]),
  }
}

function randomStep(random: Random): StepShape {
  return {
    concurrency: random.pick([1, 1, 2, 3, 8]),
    sameKey: random.pick(['serial', 'concurrent']),
    timeout: random.pick([100, 1_000, 3_000]),
    backoff: random.pick([0, 10, 300]),
    drainTimeout: random.pick([0, 100, 5_000]),
    asCompleted: random.chance(0.5),
  }
}
