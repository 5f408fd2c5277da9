import type { MillraceError } from '../errors/millrace-error.ts'
import { isAsyncFunction } from '../platform/thenable.ts'
import { parseByteSize } from './byte-size.ts'
import { parseDuration } from './duration.ts'
import type { About, AlwaysSet, Option, OptionTable, Place } from './option.ts'
import { readMembers, type Values } from './read-options.ts'

/** Kafka's ints, and the longest delay that fits into one. */
export const INT32_MAX = 2 ** 31 - 1

/** The bounds of a number, both included. */
interface Bounds {
  readonly least?: number
  readonly most?: number
}

export type AnyFunction = (...args: never) => unknown
type Methods<T> = readonly (keyof T & string)[]
type TopicConfigs = Readonly<Record<string, string>>

/** An option of a type of its own. */
export function option<T>(type: string, about: AlwaysSet<T>, read: (value: unknown, place: Place) => T): Option<T>
export function option<T>(
  type: string,
  about: About<T>,
  read: (value: unknown, place: Place) => T,
): Option<T | undefined>
export function option<T>(
  type: string,
  about: About<T>,
  read: (value: unknown, place: Place) => T,
): Option<T | undefined> {
  return { ...about, type, read }
}

/** Text that is not empty. */
export function text(about: AlwaysSet<string>): Option<string>
export function text(about: About<string>): Option<string | undefined>
export function text(about: About<string>): Option<string | undefined> {
  return option<string>('text', about, (value, place) => {
    if (typeof value === 'string' && value.trim() !== '') return value
    throw place.refuse(value, 'Give text that is not empty.')
  })
}

/** `true` or `false`. Other values are refused: JavaScript would take them for one of the two. */
export function flag(about: AlwaysSet<boolean>): Option<boolean>
export function flag(about: About<boolean>): Option<boolean | undefined>
export function flag(about: About<boolean>): Option<boolean | undefined> {
  return option<boolean>('`true` or `false`', about, (value, place) => {
    if (typeof value === 'boolean') return value
    throw place.refuse(value, 'Give true or false.')
  })
}

/** A whole number. */
export function wholeNumber(about: AlwaysSet<number> & Bounds): Option<number>
export function wholeNumber(about: About<number> & Bounds): Option<number | undefined>
export function wholeNumber(about: About<number> & Bounds): Option<number | undefined> {
  const { least = 0, most = INT32_MAX } = about
  const range = most === INT32_MAX ? `from ${least} on` : `from ${least} to ${most}`
  return option<number>('whole number', about, (value, place) => {
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value)
    throw place.refuse(
      value,
      `Give a whole number ${range}${Number(value) > most && most === INT32_MAX ? `, at most ${most}` : ''}.`,
    )
  })
}

/** A length of time, read in ms. */
export function duration(about: AlwaysSet<number> & Bounds): Option<number>
export function duration(about: About<number> & Bounds): Option<number | undefined>
export function duration(about: About<number> & Bounds): Option<number | undefined> {
  const { least = 0, most = Number.MAX_SAFE_INTEGER } = about
  return option<number>("ms, or text: `'10s'`", about, (value, place) => {
    let ms: number
    try {
      ms = parseDuration(value as number | string, place.text)
    } catch {
      throw place.refuse(
        value,
        "Give whole milliseconds, not negative, or a number with ms, s, m, h or d, as in '10s'.",
      )
    }
    if (ms < least) throw place.refuse(value, `Give at least ${least} ms.`)
    if (ms > most) throw place.refuse(value, `Give at most ${most} ms.`)
    return ms
  })
}

/** An amount of memory, read in bytes. */
export function byteSize(about: AlwaysSet<number> & Bounds): Option<number>
export function byteSize(about: About<number> & Bounds): Option<number | undefined>
export function byteSize(about: About<number> & Bounds): Option<number | undefined> {
  const { least = 0, most = Number.MAX_SAFE_INTEGER } = about
  return option<number>("bytes, or text: `'64MiB'`", about, (value, place) => {
    const bytes = parseByteSize(value as number | string)
    if (bytes >= least && bytes <= most) return bytes
    const range = bytes < least ? `, at least ${least} bytes` : bytes > most ? `, at most ${most} bytes` : ''
    throw place.refuse(value, `Give whole bytes, or a number with kB, KiB, MB, MiB, GB or GiB, as in '512MiB'${range}.`)
  })
}

/** One of several words. */
export function oneOf<Word extends string>(words: readonly Word[], about: AlwaysSet<NoInfer<Word>>): Option<Word>
export function oneOf<Word extends string>(
  words: readonly Word[],
  about: About<NoInfer<Word>>,
): Option<Word | undefined>
export function oneOf<Word extends string>(
  words: readonly Word[],
  about: About<NoInfer<Word>>,
): Option<Word | undefined> {
  return option<Word>(words.map((word) => `\`'${word}'\``).join(', '), about, (value, place) => {
    const found = words.find((word) => word === value)
    if (found !== undefined) return found
    throw place.refuse(value, `Give ${words.map((word) => `'${word}'`).join(' or ')}.`)
  })
}

/** A function of the user, which is not awaited. */
export function func<F extends AnyFunction>(about: AlwaysSet<F>): Option<F>
export function func<F extends AnyFunction>(about: About<F>): Option<F | undefined>
export function func<F extends AnyFunction>(about: About<F>): Option<F | undefined> {
  return option<F>('function', about, (value, place) => {
    if (typeof value === 'function' && !isAsyncFunction(value)) return value as F
    throw refusedFunction(value, place)
  })
}

/** A function of the user, which may be `async`. */
export function awaitedFunc<F extends AnyFunction>(about: AlwaysSet<F>): Option<F>
export function awaitedFunc<F extends AnyFunction>(about: About<F>): Option<F | undefined>
export function awaitedFunc<F extends AnyFunction>(about: About<F>): Option<F | undefined> {
  return option<F>('function', about, (value, place) => {
    if (typeof value === 'function') return value as F
    throw refusedFunction(value, place)
  })
}

function refusedFunction(value: unknown, place: Place): MillraceError {
  return place.refuse(
    value,
    isAsyncFunction(value) ? 'Return the result itself: this function is not awaited.' : 'Give a function.',
  )
}

/** A function that is not awaited, or a word that stands for a function that always returns it. */
export function decision<D extends string | AnyFunction>(
  words: readonly Extract<D, string>[],
  about: AlwaysSet<D>,
): Option<D>
export function decision<D extends string | AnyFunction>(
  words: readonly Extract<D, string>[],
  about: About<D>,
): Option<D | undefined>
export function decision<D extends string | AnyFunction>(
  words: readonly Extract<D, string>[],
  about: About<D>,
): Option<D | undefined> {
  const shown = words.map((word) => `'${word}'`)
  return option<D>([...shown.map((word) => `\`${word}\``), 'function'].join(', '), about, (value, place) => {
    if (isAsyncFunction(value)) throw refusedFunction(value, place)
    if (typeof value === 'function' || words.some((word) => word === value)) return value as D
    throw place.refuse(value, `Give a function, or ${shown.join(' or ')}.`)
  })
}

/**
 * An object that must have certain methods: a port, a logger, a serde.
 *
 * @param what the object, as errors name it: `a logger, such as pino()`
 */
export function having<T>(type: string, methods: Methods<T>, what: string, about: AlwaysSet<T>): Option<T>
export function having<T>(type: string, methods: Methods<T>, what: string, about: About<T>): Option<T | undefined>
export function having<T>(type: string, methods: Methods<T>, what: string, about: About<T>): Option<T | undefined> {
  return option<T>(type, about, (value, place) => {
    const usable = (typeof value === 'object' && value !== null) || typeof value === 'function'
    const lacks = methods.filter((method) => !usable || typeof Reflect.get(value, method) !== 'function')
    if (lacks.length === 0) return value as T
    const hint =
      usable && 'then' in value
        ? `Await the promise, and give ${what}.`
        : `Give ${what}, which has ${lacks.join('(), ')}().`
    throw place.refuse(value, hint)
  })
}

/** An object with options of its own. */
export function nested<Table extends OptionTable>(
  table: Table,
  about: About<Values<Table>>,
): Option<Values<Table> | undefined> {
  const type = `\`{ ${Object.keys(table).join(', ')} }\``
  return option<Values<Table>>(type, about, (value, place) => readMembers(table, value, place))
}

/** Configs of topics, by the brokers' names and as text. */
export function topicConfigs(about: AlwaysSet<TopicConfigs>): Option<TopicConfigs>
export function topicConfigs(about: About<TopicConfigs>): Option<TopicConfigs | undefined>
export function topicConfigs(about: About<TopicConfigs>): Option<TopicConfigs | undefined> {
  return option<TopicConfigs>('`{ config: value }`, as text', about, readTopicConfigs)
}

export function readTopicConfigs(value: unknown, place: Place): TopicConfigs {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw place.refuse(value, "Give an object of configs, as in { 'min.insync.replicas': '2' }.")
  }
  for (const [name, config] of Object.entries(value)) {
    if (typeof config !== 'string')
      throw place.inner(`['${name}']`).refuse(config, "Give the config as text, as in '2'.")
  }
  return { ...value } as TopicConfigs
}
