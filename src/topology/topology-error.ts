import { MillraceError } from '../errors/millrace-error.ts'

/** The error for a topology that cannot be built. `node` names the operator to blame, if there is one. */
export function topologyError(
  code: `MR_TOPOLOGY_${string}` | 'MR_SERDE_MISSING',
  message: string,
  hint: string,
  node?: string,
): MillraceError {
  return new MillraceError(code, message, { hint, node })
}
