import { func, option, wholeNumber, type Place, type TableOf, type Values } from '../options/options.ts'
import { serde as serdeOption } from '../serde/serde-option.ts'
import type { Serde } from '../serde/serde.ts'
import { LATEST_VERSION } from '../serde/shape-mark.ts'
import { ShapedSerde, type Migrate, type ValueShape } from '../serde/shaped-serde.ts'

/**
 * The shape of a store's values, where it changes between two versions of an application. Rows that are there stay as
 * they are. Each is migrated whenever it is read, and is written in the new shape when it is next put.
 *
 * @example
 * ```ts
 * type Total = { cents: number; count: number }
 * payments.groupByKey().aggregate(noTotal, addToTotal, {
 *   value: json<Total>(),
 *   store: { name: 'totals', version: 1, migrate: (old: { cents: number }) => ({ ...old, count: 0 }) },
 * })
 * ```
 */
export interface StoreShape<V> {
  /**
   * The version of the shape, from 1 to 65535. It is written before every value, so Kafka Streams cannot read the
   * changelog. 0, and no version at all, write values alone.
   */
  readonly version?: number
  /**
   * Makes a value of this version of one that another version wrote: `from` is that version, 0 for a value that was
   * written without one. `old` is of the type that it had then. It must not have effects, as it is called whenever such
   * a row is read, and must return a value: it can neither delete a row nor wait for anything.
   */
  migrate?(old: unknown, from: number): V
  /**
   * The newest version whose values `migrate` takes, if that is newer than `version`: for a release that is to run
   * beside its successor, or after it.
   */
  readonly readsUpTo?: number
  /** Serdes of the values of other versions, by version, where the serde of the store does not read them. */
  readonly serdes?: Readonly<Record<number, Serde<unknown>>>
}

/** The options of `StoreShape`. @param code of errors */
export function shapeOptions(code: string) {
  const versions = { least: 0, most: LATEST_VERSION, code }
  return {
    version: wholeNumber({ ...versions, description: 'the version of the shape of the values' }),
    migrate: func<Migrate>({ description: 'makes a value of this version of one of another', code }),
    readsUpTo: wholeNumber({ ...versions, description: 'the newest version whose values are read' }),
    serdes: option<ReadonlyMap<number, Serde<unknown>>>(
      'serdes by version',
      { description: 'serdes of the values of other versions', code },
      readSerdes,
    ),
  } satisfies TableOf<StoreShape<unknown>>
}

/**
 * Returns the shape that was given; undefined if the store has none.
 *
 * @param refuse makes the error about options that contradict each other
 */
export function shapeOf(
  given: Partial<Values<ReturnType<typeof shapeOptions>>>,
  refuse: (problem: string) => Error,
): ValueShape | undefined {
  const { version, migrate, readsUpTo, serdes } = given
  if (version === undefined) {
    if (migrate === undefined && readsUpTo === undefined && serdes === undefined) return undefined
    throw refuse('has migrate, readsUpTo or serdes, but no version')
  }
  if (readsUpTo !== undefined && readsUpTo < version) throw refuse(`reads up to a version before its own, ${version}`)
  if (migrate === undefined && ((readsUpTo ?? version) > version || serdes !== undefined)) {
    throw refuse('is to read other versions, but has no function migrate')
  }
  return { version, migrate, readsUpTo: readsUpTo ?? version, serdes: serdes ?? new Map() }
}

/** The part of a store's specification that depends on the shape of its values. */
export interface ShapedSpec {
  readonly valueSerde: Serde<unknown>
  readonly version?: number
  readonly readsUpTo?: number
}

/** Returns the serde of a store's values, and their version if they have one. */
export function shapedSpec(store: string, valueSerde: Serde<unknown>, shape: ValueShape | undefined): ShapedSpec {
  if (shape === undefined) return { valueSerde }
  const { version, readsUpTo } = shape
  return { valueSerde: new ShapedSerde(valueSerde.internal ?? valueSerde, shape, store), version, readsUpTo }
}

function readSerdes(given: unknown, place: Place): ReadonlyMap<number, Serde<unknown>> {
  if (typeof given !== 'object' || given === null) throw place.refuse(given, 'Give serdes by version: { 0: long() }.')
  const one = serdeOption({ required: true, description: 'serde' })
  return new Map(
    Object.entries(given).map(([version, serde]) => {
      const inner = place.inner(`[${version}]`)
      if (!/^\d{1,5}$/.test(version) || Number(version) > LATEST_VERSION) {
        throw inner.refuse(version, `Give versions from 0 to ${LATEST_VERSION}.`)
      }
      const read = one.read(serde, inner)
      return [Number(version), read.internal ?? read]
    }),
  )
}
