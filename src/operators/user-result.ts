import { MillraceError } from '../errors/millrace-error.ts'
import { ignoreRejection, isThenable } from '../platform/thenable.ts'
import type { OperatorContext } from './operator.ts'

/**
 * What a user's function returned. Records are processed one after the other and nothing is awaited: a promise would be
 * taken for the value itself, a predicate's for true. To be called before anything of the record is put or forwarded.
 *
 * @throws MR_PROMISE
 */
export function settled<T>(result: T, context: OperatorContext): T {
  if (typeof result === 'object' && isThenable(result)) throw promised(context, [result])
  return result
}

/** What is said of a function that returned promises; their rejections must not end the process. */
export function promised(
  context: OperatorContext,
  results: readonly unknown[],
  what = 'a function of the processor returned a promise',
): MillraceError {
  for (const result of results) ignoreRejection(result)
  const { topic, partition, offset } = context.record
  return new MillraceError('MR_PROMISE', what, {
    node: context.node,
    task: context.taskId,
    ...(topic === null ? {} : { topic, partition, offset }),
    hint:
      'Functions return their result itself: nothing is awaited between two records. ' +
      'Join with a table what has to be looked up; to call a service, use mapValuesAsync() or its like.',
  })
}
