import type { AnyFunction } from '../options/options.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from './handles/handles.ts'
import {
  functionArgument,
  optionsArgument,
  windowsArgument,
  type JoinOptions,
  type ThirdArgument,
} from './join-arguments.ts'
import { joinStreams } from './nodes/join-streams.ts'
import { joinGlobalTable, joinTable } from './nodes/join-table.ts'
import { erased } from './options/functions.ts'

/** Joins a stream with what `join` or `leftJoin` was given: its kind says what the other arguments are. */
export function joinPartner(
  stream: StreamHandle,
  partner: StreamHandle | TableHandle | GlobalTableHandle,
  kind: 'inner' | 'left',
  second: AnyFunction,
  third: ThirdArgument,
  fourth: JoinOptions | undefined,
): StreamHandle {
  const method = kind === 'inner' ? 'join' : 'leftJoin'
  const what = `the joiner of ${method}()`
  if ('origin' in partner) {
    return joinTable(stream, partner, kind, erased(second, what), optionsArgument(third, method))
  }
  if ('store' in partner) {
    const keyMapper = erased(second, `the key mapper of ${method}()`)
    return joinGlobalTable(stream, partner, kind, keyMapper, erased(functionArgument(third, what), what), fourth)
  }
  return joinStreams(stream, partner, kind, erased(second, what), windowsArgument(third, method), fourth)
}
