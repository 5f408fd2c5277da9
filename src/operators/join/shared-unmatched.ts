import type { OuterJoinState } from '../../state/states.ts'
import type { JoinWindows } from '../../windowing/windows.ts'
import type { OperatorContext } from '../operator.ts'
import { UnmatchedAsKafkaStreams } from './unmatched-as-kafka-streams.ts'
import { UnmatchedUntilClosed, type UnmatchedRecords } from './unmatched-records.ts'

type State = OuterJoinState<unknown, unknown, unknown>

const shared = new WeakMap<State, UnmatchedRecords>()

/** The unmatched records in this store, which both sides of the join in a task use. */
export function sharedUnmatched(
  context: OperatorContext,
  timeKey: string,
  windows: JoinWindows,
  state: State,
): UnmatchedRecords {
  let unmatched = shared.get(state)
  if (unmatched === undefined) {
    unmatched = context.compatible
      ? new UnmatchedAsKafkaStreams(windows, state)
      : new UnmatchedUntilClosed(context, timeKey, windows, state)
    shared.set(state, unmatched)
  }
  return unmatched
}
