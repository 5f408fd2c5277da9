import type { StatePlace } from '../environment.ts'
import { CallStore } from '../calls/call-store.ts'
import { JoinBufferStore } from '../buffers/join-buffer-store.ts'
import { KeyValueEntryStore } from '../key-value/key-value-entry-store.ts'
import { OuterJoinStore } from '../buffers/outer-join-store.ts'
import { PeriodEntryStore } from '../window/period-entry-store.ts'
import { SessionEntryStore } from '../window/session-entry-store.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import { SuppressStore } from '../buffers/suppress-store.ts'
import type { TaskStore } from '../task-store.ts'
import { VersionedEntryStore } from '../versioned/versioned-entry-store.ts'
import { WindowEntryStore } from '../window/window-entry-store.ts'

/** Opens the store that a specification describes. */
export function createStore(spec: StoreSpec, place: StatePlace): TaskStore {
  const { keySerde, valueSerde } = spec
  switch (spec.kind) {
    case 'keyValue':
      return new KeyValueEntryStore(spec, place, keySerde, valueSerde)
    case 'window':
      return new WindowEntryStore(spec, place, keySerde, valueSerde)
    case 'period':
      return new PeriodEntryStore(spec, place, keySerde, valueSerde)
    case 'session':
      return new SessionEntryStore(spec, place, keySerde, valueSerde)
    case 'versioned':
      return new VersionedEntryStore(spec, place, keySerde, valueSerde)
    case 'outerJoin':
      return new OuterJoinStore(spec, place, keySerde, valueSerde, spec.rightValueSerde)
    case 'suppress':
      return new SuppressStore(spec, place, keySerde, valueSerde)
    case 'joinBuffer':
      return new JoinBufferStore(spec, place, keySerde, valueSerde)
    case 'calls':
      return new CallStore(spec, place, keySerde, valueSerde)
  }
}
