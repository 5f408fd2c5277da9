import { oneOf, option } from '../options/options.ts'
import type { Option } from '../options/options.ts'
import { ENGINE_NAMES } from './engine.ts'
import type { EngineFactory, EngineName } from './engine.ts'

/** An engine by its name. */
export const engineName: Option<EngineName | undefined> = oneOf<EngineName>(ENGINE_NAMES, {
  defaultText: 'RocksDB, else LevelDB',
  description: 'what the data is kept in; LevelDB where RocksDB has no binary',
})

/** An engine by its name, or the engine itself. */
export const engine: Option<EngineFactory | EngineName | undefined> = option<EngineFactory | EngineName>(
  `${engineName.type}, engine`,
  { defaultText: 'RocksDB, else LevelDB', description: 'what state is kept in; LevelDB where RocksDB has no binary' },
  (value, place) => (isEngine(value) ? value : (engineName.read(value, place) as EngineName)),
)

/** True for what opens engines. */
function isEngine(value: unknown): value is EngineFactory {
  return (
    typeof value === 'object' &&
    value !== null &&
    'open' in value &&
    typeof value.open === 'function' &&
    'destroy' in value &&
    typeof value.destroy === 'function'
  )
}
