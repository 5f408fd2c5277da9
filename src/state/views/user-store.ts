import type { CallbackScope } from '../../record/callback-scope.ts'
import type { StateEnvironment } from '../environment.ts'
import { PlainFace, ReadOnlyPlainFace, ReadOnlyTimestampedFace, TimestampedFace } from './key-value-face.ts'
import { KeyValueEntryStore } from '../key-value/key-value-entry-store.ts'
import { ReadOnlyPeriodFace } from './period-face.ts'
import { PeriodEntryStore } from '../window/period-entry-store.ts'
import { ReadOnlySessionFace, SessionFace } from './session-face.ts'
import { SessionEntryStore } from '../window/session-entry-store.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import { LatestKeyValues, LatestPeriods, LatestSessions, LatestVersions, LatestWindows } from './latest-states.ts'
import type { StoreReads } from '../reads.ts'
import type { StateStore } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'
import { ReadOnlyVersionedFace, VersionedFace } from './versioned-face.ts'
import { VersionedEntryStore } from '../versioned/versioned-entry-store.ts'
import { ReadOnlyWindowFace, WindowFace } from './window-face.ts'
import { WindowEntryStore } from '../window/window-entry-store.ts'
import { writeCheck } from './write-check.ts'

/**
 * Returns a store as a processor may use it; undefined for the buffers of operators, which are internal.
 *
 * @param scope the processor whose callbacks may write; without it anybody may at any time
 */
export function userStore(
  store: StateStore,
  environment: StateEnvironment,
  iterators: OpenIterators,
  scope?: CallbackScope,
): unknown {
  const checkWrite = writeCheck(store.name, scope)
  if (store instanceof KeyValueEntryStore) {
    return store.spec.timestamped
      ? new TimestampedFace(store, iterators, checkWrite)
      : new PlainFace(store, iterators, checkWrite)
  }
  if (store instanceof VersionedEntryStore) return new VersionedFace(store, iterators, checkWrite)
  if (store instanceof WindowEntryStore) {
    return new WindowFace(store, store.spec.windowSize, iterators, environment.record, checkWrite)
  }
  if (store instanceof PeriodEntryStore) return new ReadOnlyPeriodFace(store, store.spec.maxSize, iterators)
  return store instanceof SessionEntryStore ? new SessionFace(store, iterators, checkWrite) : undefined
}

/** Returns a store as other processors than its own may use it: nothing can be put. */
export function readOnlyStore(store: StateStore, iterators: OpenIterators): unknown {
  if (store instanceof KeyValueEntryStore) {
    return store.spec.timestamped
      ? new ReadOnlyTimestampedFace(store, iterators)
      : new ReadOnlyPlainFace(store, iterators)
  }
  if (store instanceof VersionedEntryStore) return new ReadOnlyVersionedFace(store, iterators)
  if (store instanceof WindowEntryStore) return new ReadOnlyWindowFace(store, store.spec.windowSize, iterators)
  if (store instanceof PeriodEntryStore) return new ReadOnlyPeriodFace(store, store.spec.maxSize, iterators)
  return store instanceof SessionEntryStore ? new ReadOnlySessionFace(store, iterators) : undefined
}

/** Returns a store as anybody outside of its task may use it: nothing can be put, and reading leaves no trace. */
export function outsideStore(spec: StoreSpec, reads: StoreReads, iterators: OpenIterators): unknown {
  switch (spec.kind) {
    case 'keyValue': {
      const state = new LatestKeyValues<unknown, unknown>(spec, reads)
      return spec.timestamped ? new ReadOnlyTimestampedFace(state, iterators) : new ReadOnlyPlainFace(state, iterators)
    }
    case 'versioned':
      return new ReadOnlyVersionedFace(new LatestVersions(spec, reads), iterators)
    case 'window':
      return new ReadOnlyWindowFace(new LatestWindows(spec, reads), spec.windowSize, iterators)
    case 'period':
      return new ReadOnlyPeriodFace(new LatestPeriods(spec, reads), spec.maxSize, iterators)
    case 'session':
      return new ReadOnlySessionFace(new LatestSessions(spec, reads), iterators)
    default:
      return undefined
  }
}
