import { json, string } from '../../../src/index.ts'
import type { AsyncOptions, KStream } from '../../../src/index.ts'
import type { SimProcess } from '../sim-process.ts'
import type { StepMaker } from './app.ts'
import { Refused } from './service.ts'
import type { Called, Service } from './service.ts'
import type { AsyncShape, Piece } from './shape.ts'

/** The steps of one process call the service. */
export function callingSteps(shape: AsyncShape, service: Service, process: SimProcess): StepMaker {
  const options = <V>(piece: Piece, step: string, emit: 'in-order' | 'any' = 'in-order'): AsyncOptions<string, V> => {
    const { concurrency, sameKey, timeout, backoff, drainTimeout, asCompleted } = shape.steps[piece]
    return {
      concurrency,
      sameKey,
      timeout,
      drainTimeout,
      emit: emit === 'any' && asCompleted ? 'as-completed' : 'in-order',
      retry: { attempts: shape.attempts, backoff, maxBackoff: 500, retryOn: (error) => !(error instanceof Refused) },
      store: step,
      inputKey: string(),
      inputValue: json<NonNullable<V>>(),
    }
  }
  const isExact = shape.guarantee === 'exactly_once'
  // Behind a repartition topic a record that was written twice is two records.
  const isDoubled = (step: string): boolean => step === 'close' && !isExact
  const call = <V extends Called, R>(piece: Piece, step: string, fn: (value: V, key: string) => R) =>
    service.callFrom(process, step, fn, {
      keys: piece === 'numbered' ? (isExact ? 'numbered' : 'any') : isDoubled(step) ? 'any' : 'one',
      concurrency: shape.steps[piece].concurrency,
      isSerial: shape.steps[piece].sameKey === 'serial',
    })
  return {
    mapValues: <V extends Called, R>(
      from: KStream<string, V>,
      piece: Piece,
      step: string,
      fn: (value: V, key: string) => R,
      emit?: 'in-order' | 'any',
    ) =>
      from.mapValuesAsync(call(piece, step, fn), { ...options<V>(piece, step, emit), value: json<NonNullable<R>>() }),
    flatMapValues: <V extends Called, R>(
      from: KStream<string, V>,
      piece: Piece,
      step: string,
      fn: (value: V, key: string) => R[],
    ) => from.flatMapValuesAsync(call(piece, step, fn), { ...options<V>(piece, step), value: json<NonNullable<R>>() }),
    map: <V extends Called, R>(
      from: KStream<string, V>,
      piece: Piece,
      step: string,
      fn: (value: V, key: string) => [string, R],
    ) =>
      from.mapAsync(call(piece, step, fn), {
        ...options<V>(piece, step),
        key: string(),
        value: json<NonNullable<R>>(),
      }),
    forEach: <V extends Called>(from: KStream<string, V>, piece: Piece, step: string, fn: (value: V) => void) =>
      from.forEachAsync(call(piece, step, fn), options<V>(piece, step)),
  }
}

/** What the steps are to be equal to. */
export const SYNCHRONOUS: StepMaker = {
  mapValues: (from, _piece, _step, fn) => from.mapValues((value, key) => fn(value, key) as never),
  flatMapValues: (from, _piece, _step, fn) => from.flatMapValues((value, key) => fn(value, key) as never),
  map: (from, _piece, _step, fn) => from.map((value, key) => fn(value, key) as never),
  forEach: (from, _piece, _step, fn) => from.forEach((value) => fn(value)),
}
