import type { ErrorPlace, MillraceError } from '../errors/millrace-error.ts'
import { nearestName } from './nearest-name.ts'
import { Place, type Option, type OptionTable } from './option.ts'

/** The values that a table yields. */
export type Values<Table> = { readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never }

/**
 * Checks all options of a function and fills in the defaults.
 *
 * @param given the options that the user passed; undefined: none
 * @param owner the function, as errors name it: `kafka()`
 * @param where other parts of the place, for errors
 * @throws MR_CONFIG for anything but an object, for names that the table does not have, and for missing options that
 * must be given; MR_CONFIG, or the code of the option, for impossible values
 */
export function readOptions<Table extends OptionTable>(
  table: Table,
  given: unknown,
  owner: string,
  where: ErrorPlace = {},
): Values<Table> {
  return readMembers(table, given, placeOf(owner, where))
}

/** Does the same as `readOptions` for an object within the options. */
export function readMembers<Table extends OptionTable>(table: Table, given: unknown, place: Place): Values<Table> {
  const values: Record<string, unknown> = {}
  const object = given === undefined ? {} : given
  checkNames(table, object, place)
  for (const [name, option] of Object.entries(table)) {
    const value: unknown = Reflect.get(object as object, name)
    if (value === undefined && option.required !== true) values[name] = option.default
    else {
      const inner = place.inner(place.name === '' ? name : `.${name}`, option)
      if (value === undefined) throw inner.missing(`Give ${inner.name}: ${option.type}.`)
      values[name] = option.read(value, inner)
    }
  }
  return values as Values<Table>
}

/**
 * Checks the names alone and allocates nothing: for options that come with a record, and for functions that check the
 * values themselves.
 *
 * @throws MR_CONFIG
 */
export function checkOptionNames(table: OptionTable, given: unknown, owner: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw noObject(table, given, placeOf(owner))
  for (const name in given) if (!Object.hasOwn(table, name)) throw unknownName(table, name, placeOf(owner))
}

function placeOf(owner: string, where: ErrorPlace = {}): Place {
  return new Place(owner, '', { description: 'options' }, where)
}

function checkNames(table: OptionTable, given: unknown, place: Place): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw noObject(table, given, place)
  for (const name in given) if (!Object.hasOwn(table, name)) throw unknownName(table, name, place)
}

function noObject(table: OptionTable, given: unknown, place: Place): MillraceError {
  return place.refuse(given, `Give an object of options: ${Object.keys(table).join(', ')}.`)
}

function unknownName(table: OptionTable, name: string, place: Place): MillraceError {
  const near = nearestName(name, table)
  const whose = place.name === '' ? `The options of ${place.owner}` : `Its options`
  const names = `${whose} are ${Object.keys(table).join(', ')}.`
  const what = place.name === '' ? place.owner : place.text
  const hint = near === undefined ? names : `Did you mean ${near}? ${names}`
  return place.error(`${what} has no option ${JSON.stringify(name)}`, hint)
}
