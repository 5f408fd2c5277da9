import {
  keyValueStore,
  sessionStore,
  string,
  timestampedKeyValueStore,
  versionedKeyValueStore,
  windowStore,
} from '../../src/index.ts'
import type {
  KeyValueStore,
  SessionStore,
  StoreSpec,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
  VersionedKeyValueStore,
  VersionedRecord,
  WindowStore,
} from '../../src/index.ts'
import { show } from './expressions.ts'
import type { Step } from './scenario.ts'

/** The store of a `script` step, declared; its name alone if another step declares it. */
export function scriptStore(step: Step): string | StoreSpec {
  if (step.ref === true) return step.store ?? ''
  const spec = declared(step)
  return step.caching === undefined || spec.kind === 'versioned' ? spec : { ...spec, caching: step.caching }
}

function declared(step: Step): StoreSpec {
  const name = step.store ?? ''
  const options = {
    key: string(),
    value: string(),
    ...(step.storeType === undefined ? {} : { type: 'memory' as const }),
    ...(step.logging === undefined ? {} : { logging: step.logging }),
  }
  const retention = step.retentionMs ?? 0
  switch (step.kind) {
    case 'kv':
      return keyValueStore(name, options)
    case 'tkv':
      return timestampedKeyValueStore(name, options)
    case 'window': {
      const windows = { retention, windowSize: step.sizeMs ?? 0, retainDuplicates: step.duplicates ?? false }
      return windowStore(name, { ...options, ...windows })
    }
    case 'session':
      return sessionStore(name, { ...options, retention })
    case 'versioned':
      return versionedKeyValueStore(name, { key: string(), value: string(), history: step.historyMs ?? 0 })
    default:
      throw new Error(`unknown kind of store ${step.kind}`)
  }
}

/** Runs commands on the store called `name`; `find` is a context's `store`. */
export function runScript(find: <S>(name: string) => S, name: string, kind: string, script: string): string {
  const run = commandsOf(find, name, kind)
  return script
    .split(',')
    .map((command) => run(command.split('.')))
    .join(' | ')
}

type Run = (parts: readonly string[]) => string

function commandsOf(find: <S>(name: string) => S, name: string, kind: string): Run {
  switch (kind) {
    case 'kv':
      return keyValueCommands(plainFace(find(name)))
    case 'tkv':
      return keyValueCommands(timestampedFace(find(name)))
    case 'window':
      return windowCommands(find(name))
    case 'session':
      return sessionCommands(find(name))
    case 'versioned':
      return versionedCommands(find(name))
    default:
      throw new Error(`unknown kind of store ${kind}`)
  }
}

type Shown = string | ValueAndTimestamp<string>
type Readable = Pick<
  KeyValueStore<string, Shown>,
  'get' | 'range' | 'reverseRange' | 'all' | 'reverseAll' | 'prefixScan' | 'delete'
>

/** What plain and timestamped stores have in common. */
interface KeyValueFace {
  readonly store: Readable
  put(key: string, value: string | null, timestamp: number): void
  putIfAbsent(key: string, value: string, timestamp: number): Shown | undefined
}

function plainFace(store: KeyValueStore<string, string>): KeyValueFace {
  return {
    store,
    put: (key, value) => store.put(key, value),
    putIfAbsent: (key, value) => store.putIfAbsent(key, value),
  }
}

function timestampedFace(store: TimestampedKeyValueStore<string, string>): KeyValueFace {
  return {
    store,
    put: (key, value, timestamp) => store.put(key, value, timestamp),
    putIfAbsent: (key, value, timestamp) => store.putIfAbsent(key, value, timestamp),
  }
}

function keyValueCommands({ store, put, putIfAbsent }: KeyValueFace): Run {
  return ([command, first = '', second = '', third]) => {
    switch (command) {
      case 'put':
        put(first, valueOf(second), Number(third))
        return 'ok'
      case 'pia':
        return shown(putIfAbsent(first, second, Number(third)))
      case 'del':
        return shown(store.delete(first))
      case 'get':
        return shown(store.get(first))
      case 'range':
        return keyValueRows(store.range(bound(first), bound(second)))
      case 'rrange':
        return keyValueRows(store.reverseRange(bound(first), bound(second)))
      case 'all':
        return keyValueRows(store.all())
      case 'rall':
        return keyValueRows(store.reverseAll())
      case 'prefix':
        return keyValueRows(store.prefixScan(first))
      case 'delall': {
        let deleted = 0
        for (const { key } of store.all()) {
          store.delete(key)
          deleted++
        }
        return String(deleted)
      }
      default:
        throw new Error(`unknown command ${command}`)
    }
  }
}

function windowCommands(store: WindowStore<string, string>): Run {
  return ([command, first = '', second = '', third = '']) => {
    switch (command) {
      case 'put':
        store.put(first, valueOf(second), Number(third))
        return 'ok'
      case 'get':
        return shown(store.get(first, Number(second)))
      case 'fetch':
        return windowRows(store.fetch(first, Number(second), Number(third)))
      case 'bfetch':
        return windowRows(store.reverseFetch(first, Number(second), Number(third)))
      case 'fetchAll':
        return windowRows(store.fetchAll(Number(first), Number(second)))
      case 'bfetchAll':
        return windowRows(store.reverseFetchAll(Number(first), Number(second)))
      case 'all':
        return windowRows(store.all())
      default:
        throw new Error(`unknown command ${command}`)
    }
  }
}

function sessionCommands(store: SessionStore<string, string>): Run {
  return ([command, first = '', second = '', third = '', fourth = '']) => {
    switch (command) {
      case 'put':
        store.put(first, valueOf(second), Number(third), Number(fourth))
        return 'ok'
      case 'del':
        store.remove(first, Number(second), Number(third))
        return 'ok'
      case 'get':
        return shown(store.get(first, Number(second), Number(third)))
      case 'fetch':
        return sessionRows(store.fetch(first))
      case 'find':
        return sessionRows(store.findSessions(first, Number(second), Number(third)))
      case 'rfind':
        return sessionRows(store.reverseFindSessions(first, Number(second), Number(third)))
      case 'ends':
        return sessionRows(store.findByEnd(Number(first), Number(second)))
      default:
        throw new Error(`unknown command ${command}`)
    }
  }
}

function versionedCommands(store: VersionedKeyValueStore<string, string>): Run {
  return ([command, first = '', second, third]) => {
    switch (command) {
      case 'put':
        return store.put(first, valueOf(second ?? ''), Number(third))
      case 'del':
        return version(store.delete(first, Number(second)))
      case 'get':
        return version(second === undefined ? store.get(first) : store.get(first, Number(second)))
      default:
        throw new Error(`unknown command ${command}`)
    }
  }
}

/** `*` is an open bound. */
function bound(text: string): string | undefined {
  return text === '*' ? undefined : text
}

/** `~` is a null value. */
function valueOf(text: string): string | null {
  return text === '~' ? null : text
}

function shown(found: Shown | undefined): string {
  if (found === undefined || typeof found === 'string') return show(found)
  return found.timestamp === -1 ? show(found.value) : `${show(found.value)}@${found.timestamp}`
}

function version(found: VersionedRecord<string> | undefined): string {
  return found === undefined ? 'null' : `${show(found.value)}@${found.timestamp}`
}

function keyValueRows(rows: Iterable<{ readonly key: string; readonly value: Shown }>): string {
  return list(Array.from(rows, ({ key, value }) => `${show(key)}=${shown(value)}`))
}

function windowRows(rows: ReturnType<WindowStore<string, string>['all']>): string {
  return list(
    Array.from(rows, ({ key, start, value, timestamp }) => `${show(key)}@${start}=${shown({ value, timestamp })}`),
  )
}

function sessionRows(rows: ReturnType<SessionStore<string, string>['fetch']>): string {
  return list(Array.from(rows, ({ key, start, end, value }) => `${show(key)}@${start}/${end}=${show(value)}`))
}

function list(rows: readonly string[]): string {
  return rows.length === 0 ? '-' : rows.join(' ')
}
