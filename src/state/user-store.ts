import type { StateEnvironment } from './environment.ts'
import type { StateStore } from './states.ts'
export function userStore(store: StateStore, _environment: StateEnvironment): unknown {
  return store
}
