import { oneOf, option, type Option } from '../options/options.ts'
import { ENGINE_NAMES, type EngineFactory, type EngineName } from './engine.ts'

/** The option for an engine by its name. */
export const engineName: Option<EngineName | undefined> = oneOf<EngineName>(ENGINE_NAMES, {
  defaultText: 'RocksDB, else LevelDB',
  description: 'engine that keeps the data; LevelDB where RocksDB has no binary',
})

/** The option for an engine, by its name or itself. */
export const engine: Option<EngineFactory | EngineName | undefined> = option<EngineFactory | EngineName>(
  `${engineName.type}, engine`,
  { defaultText: 'RocksDB, else LevelDB', description: 'engine that keeps state; LevelDB where RocksDB has no binary' },
  (value, place) => (isEngine(value) ? value : (engineName.read(value, place) as EngineName)),
)

/** True for an engine factory. */
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
