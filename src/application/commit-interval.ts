import type { Guarantee } from '../log/log.ts'
import type { Settings } from './application.ts'

/** Default ms between two commits, by the guarantee that the log gives, not the one that the application asks for. */
const BY_GUARANTEE: Readonly<Record<Guarantee, number>> = { at_least_once: 30_000, exactly_once: 100 }

/** Returns the ms between two commits. */
export function commitIntervalOf({ commitInterval }: Settings, guarantee: Guarantee): number {
  return commitInterval ?? BY_GUARANTEE[guarantee]
}
