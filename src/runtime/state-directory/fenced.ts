import { MillraceError } from '../../errors/millrace-error.ts'
import { placeText } from './identity.ts'

/** Returns true for an error that a newer process with the same identity caused: a restart would fence that in turn. */
export function isFenced(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MR_FENCED'
}

/** Returns the error that says to the user which of the two processes this is. */
export function fencedClient(cause: unknown, directory: string, instanceId: string | undefined): MillraceError {
  const identity = instanceId === undefined ? 'the identity in' : `the instance id "${instanceId}", which is used in`
  return new MillraceError(
    'MR_FENCED',
    `another process took over ${identity} ${placeText(directory)}: this one has ended`,
    {
      cause,
      hint:
        instanceId === undefined
          ? 'One of the two runs on a copy of the state directory that kept its identity: delete it in one of them.'
          : 'Give every instance an instance id of its own, and start a new one only when the old one has ended.',
    },
  )
}
