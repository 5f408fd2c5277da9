import { MillraceError } from '../errors/millrace-error.ts'

/** What is said of a topology that cannot be built. `node` names the operator, where one is to blame. */
export function topologyError(
  code: `MR_TOPOLOGY_${string}` | 'MR_SERDE_MISSING',
  message: string,
  hint: string,
  node?: string,
): MillraceError {
  return new MillraceError(code, message, { hint, node })
}
