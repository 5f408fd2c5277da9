import { MillraceError } from '../../errors/millrace-error.ts'
import type { LogClientOptions } from '../../log/log.ts'

/** A transaction begins with the first record after a commit and must live until the next one. @throws MR_CONFIG */
export function requireOutlasting(
  transactionTimeout: number,
  { guarantee, commitInterval }: Pick<LogClientOptions, 'guarantee' | 'commitInterval'>,
): void {
  if (guarantee !== 'exactly_once' || commitInterval === undefined || commitInterval < transactionTimeout) return
  throw new MillraceError(
    'MR_CONFIG',
    `the commitInterval of ${commitInterval} ms is not shorter than the transactionTimeout of ${transactionTimeout} ms: every transaction would be aborted before its commit`,
    { hint: 'Shorten commitInterval, or give kafka() a longer transactionTimeout.' },
  )
}
