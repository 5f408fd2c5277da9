import { option, type About, type Option, type Place, type AlwaysSet } from '../options/options.ts'
import { validateName } from './names.ts'

/** Option for a name that topics, groups and nodes may have. */
export function nameOption(about: AlwaysSet<string>): Option<string>
export function nameOption(about: About<string>): Option<string | undefined>
export function nameOption(about: About<string>): Option<string | undefined> {
  return option('name', about, readName)
}

function readName(value: unknown, place: Place): string {
  try {
    return validateName(value as string)
  } catch (cause) {
    throw place.refuse(value, 'Use 1 to 249 of the characters A-Z, a-z, 0-9, ".", "_" and "-".', cause)
  }
}
