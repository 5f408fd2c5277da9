import { option, type About, type Option, type Place, type AlwaysSet } from '../options/options.ts'
import { asyncMethodOf } from './call-serde.ts'
import type { Serde } from './serde.ts'

/** An option that is a serde, recognized by its two methods. */
export function serde(about: AlwaysSet<Serde<unknown>>): Option<Serde<unknown>>
export function serde(about: About<Serde<unknown>>): Option<Serde<unknown> | undefined>
export function serde(about: About<Serde<unknown>>): Option<Serde<unknown> | undefined> {
  return option('serde', about, readSerde)
}

function readSerde(value: unknown, place: Place): Serde<unknown> {
  if (isSerde(value)) {
    const method = asyncMethodOf(value)
    if (method === undefined) return value
    throw place
      .inner(`.${method}`)
      .refuse(Reflect.get(value, method), 'Read and write synchronously: a serde is not awaited.')
  }
  const hint =
    typeof value === 'function'
      ? 'Call the function: string(), json<T>().'
      : 'Give a serde, such as string() or json<T>().'
  throw place.refuse(value, hint)
}

function isSerde(value: unknown): value is Serde<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'serialize' in value &&
    typeof value.serialize === 'function' &&
    'deserialize' in value &&
    typeof value.deserialize === 'function'
  )
}
