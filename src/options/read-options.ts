import { MillraceError } from '../errors.ts'
import { nearestName } from './nearest-name.ts'
import { Place } from './option.ts'
import type { Option, OptionTable } from './option.ts'

/** What reading a table yields. */
export type Values<Table> = { readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never }

/**
 * Checks all options of a function and fills in the defaults.
 *
 * @param given what the user passed; undefined: nothing
 * @param owner the function, as errors call it: `kafka()`
 * @throws MR_CONFIG for what is not an object, for names that the table does not have, and for options that must be given and are
 * not; MR_CONFIG, or the code of the option, for impossible values
 */
export function readOptions<Table extends OptionTable>(table: Table, given: unknown, owner: string): Values<Table> {
  return readMembers(table, given, new Place(owner, '', { description: '' }))
}

/** As `readOptions`, for an object within the options. */
export function readMembers<Table extends OptionTable>(table: Table, given: unknown, place: Place): Values<Table> {
  const values: Record<string, unknown> = {}
  const object = given === undefined ? {} : given
  checkNames(table, object, place)
  for (const [name, option] of Object.entries(table)) {
    const value: unknown = Reflect.get(object as object, name)
    if (value === undefined && option.required !== true) values[name] = option.default
    else {
      const inner = place.inner(place.name === '' ? name : `.${name}`, option)
      if (value === undefined) throw inner.missing(`give it: ${inner.name}: ${option.type}`)
      values[name] = option.read(value, inner)
    }
  }
  return values as Values<Table>
}

/** Checks the names alone, making nothing: for options that are given once a record. */
export function checkOptionNames(table: OptionTable, given: object, owner: string): void {
  for (const name in given)
    if (!Object.hasOwn(table, name)) throw unknownName(table, name, new Place(owner, '', { description: '' }))
}

function checkNames(table: OptionTable, given: unknown, place: Place): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw place.refuse(given, `give an object of options: ${Object.keys(table).join(', ')}`)
  }
  for (const name in given) if (!Object.hasOwn(table, name)) throw unknownName(table, name, place)
}

function unknownName(table: OptionTable, name: string, place: Place): MillraceError {
  const near = nearestName(name, table)
  const names = `${place.name === '' ? `The options of ${place.owner}` : `Its options`} are ${Object.keys(table).join(', ')}.`
  const what = place.name === '' ? place.owner : place.text
  return new MillraceError(place.code, `${what} has no option ${JSON.stringify(name)}`, {
    hint: near === undefined ? names : `Did you mean ${near}? ${names}`,
  })
}
