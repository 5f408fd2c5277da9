import type { Serde } from '../serde/serde.ts'
import type { BuildSettings } from './build-settings.ts'
import { topologyError } from './topology-error.ts'

/** Either half of a record. */
export type Part = 'key' | 'value'

/**
 * Returns the serde that an operator has, else the application's default.
 *
 * @param purpose what it is needed for: `the store "totals"`
 * @param option the operator's option that sets it
 * @throws MR_SERDE_MISSING
 */
export function requiredSerde(
  settings: BuildSettings,
  part: Part,
  serde: Serde<unknown> | undefined,
  node: string,
  purpose: string,
  option: string = part,
): Serde<unknown> {
  const found = serde ?? (part === 'key' ? settings.defaultKeySerde : settings.defaultValueSerde)
  if (found !== undefined) return found
  throw topologyError(
    'MR_SERDE_MISSING',
    `no ${part} serde for ${purpose}: the operators before it do not tell the ${part}'s type`,
    `Give the operator the option \`${option}\`, as in { ${option}: json<T>() }, or the application a default: ` +
      `defineApp({ defaults: { ${part}: … } }).`,
    node,
  )
}

/** As `requiredSerde`, for stores and internal topics: they hold the program's own values, and validate nothing. */
export function requiredInternalSerde(
  settings: BuildSettings,
  part: Part,
  serde: Serde<unknown> | undefined,
  node: string,
  purpose: string,
  option: string = part,
): Serde<unknown> {
  const found = requiredSerde(settings, part, serde, node, purpose, option)
  return found.internal ?? found
}
