import type { Guarantee } from '../log/log.ts'
import type { Settings } from './application.ts'

/** ms between two commits unless the application says otherwise; by what the log does, not by what was asked of it. */
const BY_GUARANTEE: Readonly<Record<Guarantee, number>> = { at_least_once: 30_000, exactly_once: 100 }

/** ms between two commits. */
export function commitIntervalOf({ commitInterval }: Settings, guarantee: Guarantee): number {
  return commitInterval ?? BY_GUARANTEE[guarantee]
}
