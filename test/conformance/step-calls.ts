import type { KStream } from '../../src/index.ts'
import type { Expression } from './expressions.ts'
import type { Step } from './scenario.ts'
import { serdes } from './step-options.ts'
import type { Types } from './step-result.ts'

/** Carries out a call, at once or later: its result is what `evaluate` returns or throws. */
export type AnswerCall = <R>(evaluate: () => R) => R | PromiseLike<R>

/** An error after which a call is attempted again. */
export class Transient extends Error {}

/** Attempts at one call: more than any run makes. */
const UNENDING = 1_000_000

/** Returns the stream of an asynchronous step that evaluates the functions of `mapValues`, `map` or `flatMapValues`. */
export function callStep(
  step: Step,
  stream: KStream<unknown, unknown>,
  from: Types,
  to: Types,
  functions: { readonly key?: Expression; readonly value: Expression },
  answer: AnswerCall,
): KStream<unknown, unknown> {
  const [given, made] = [serdes(from), serdes(to)]
  const options = {
    ...step.calls,
    store: `${step.id}-calls`,
    inputKey: given.key,
    inputValue: given.value,
    retry: { attempts: UNENDING, backoff: 0, retryOn: (error: unknown) => error instanceof Transient },
  }
  const { key, value } = functions
  switch (step.op) {
    case 'mapValues':
      return stream.mapValuesAsync((v, k) => answer(() => value.evaluate(v, k)), { ...options, value: made.value })
    case 'map':
      return stream.mapAsync(
        (v, k) => answer((): readonly [unknown, unknown] => [key?.evaluate(v, k), value.evaluate(v, k)]),
        { ...options, ...made },
      ) as KStream<unknown, unknown>
    case 'flatMapValues':
      return stream.flatMapValuesAsync(
        (v, k) =>
          answer((): readonly unknown[] => {
            const list = value.evaluate(v, k)
            return Array.isArray(list) ? list : []
          }),
        { ...options, value: made.value },
      )
    default:
      throw new Error(`no asynchronous ${step.op}`)
  }
}
