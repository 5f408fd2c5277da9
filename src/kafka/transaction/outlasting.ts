import { MillraceError } from '../../errors/millrace-error.ts'
import type { LogClientOptions } from '../../log/log.ts'

/** Checks that a transaction can last from the first record after a commit to the next commit. @throws MR_CONFIG */
export function requireOutlasting(
  transactionTimeout: number,
  { guarantee, commitInterval }: Pick<LogClientOptions, 'guarantee' | 'commitInterval'>,
): void {
  if (guarantee !== 'exactly_once' || commitInterval === undefined || commitInterval < transactionTimeout) return
  throw new MillraceError(
    'MR_CONFIG',
    `the commitInterval of ${commitInterval} ms is not shorter than the transactionTimeout of ` +
      `${transactionTimeout} ms: every transaction would be aborted before its commit`,
    { hint: 'Shorten commitInterval, or give kafka() a longer transactionTimeout.' },
  )
}
