import nodeModule from 'node:module'
import { isMainThread, workerData } from 'node:worker_threads'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { Endpoint } from '../../group/group.ts'
import type { Log } from '../../log/log.ts'
import type { FileMode } from '../../platform/file-mode.ts'
import { isPlainData } from '../../platform/plain-data.ts'
import type { EngineFactory } from '../../engine/engine.ts'
import { chooseEngine } from '../../engine/choice/choose-engine.ts'
import { silentLogger, type Application, type Settings } from '../../application/application.ts'
import { describe } from '../../topology/describe/describe-text.ts'
import type { Topology } from '../../topology/topology.ts'
import type { RestoreListener } from '../restore/restorer.ts'
import { stateHome, type StateHome } from '../state-directory/state-home.ts'
import { PURPOSE } from './messages.ts'
import { WorkerThreads } from './worker-threads.ts'

export interface WorkersPlace {
  readonly app: Application
  readonly topology: Topology
  readonly log: Log
  readonly module: string | URL | undefined
  readonly engine: EngineFactory
  readonly directory: string
  readonly processId: string
  readonly fileMode: FileMode
  readonly instanceId: string | undefined
  readonly endpoint: Endpoint | undefined
  /** Names of the given options that only threads on one event loop can use. */
  readonly loopOptions: readonly string[]
  /** `undefined` if there is no listener. */
  readonly onRestore: RestoreListener | undefined
}

/**
 * Prepares what stream threads in workers share, before the first is opened.
 *
 * @throws MR_THREAD_MODULE if no thread could import the application; MR_CONFIG if an option cannot reach them
 */
export async function openWorkers(place: WorkersPlace): Promise<{ home: StateHome; host: WorkerThreads }> {
  const { app, topology, log, directory, processId, instanceId, endpoint, fileMode, engine } = place
  const { onRestore = () => {} } = place
  const module = moduleUrl(place)
  for (const option of place.loopOptions) throw unsendable(option, 'Leave it out, or run with `threads: 1`.')
  const { factory } = await chooseEngine(engine.name)
  if (factory !== engine) throw unsendable('engine', "Give its name: 'rocksdb', 'level' or 'memory'.")
  const { logger } = app.settings
  // With a compile cache, threads use what this one has compiled: they start sooner, and strip no types. Stripping
  // compiles WebAssembly in each thread: when threads come and go, V8 may lose track of it and end the process.
  nodeModule.flushCompileCache()
  const host = new WorkerThreads({
    start: {
      purpose: PURPOSE,
      module: module.href,
      applicationId: app.id,
      topology: describe(topology),
      settings: sentSettings(app.settings),
      changes: app.changes,
      log: log.describe?.(),
      directory,
      engine: engine.name,
      processId,
      instanceId,
      endpoint,
      fileMode,
      logging: logger !== silentLogger,
      restoring: place.onRestore !== undefined,
    },
    logger,
    onRestore,
  })
  return { home: stateHome(engine, directory, logger, fileMode, host.holds), host }
}

/** Refuses to start an application in its own threads: each would start more, and so on. @throws MR_THREAD_MODULE */
export function requireOutsideStreamThread(): void {
  const data: unknown = workerData
  const isWorker = typeof data === 'object' && data !== null && 'purpose' in data && data.purpose === PURPOSE
  if (isMainThread || !isWorker) return
  throw new MillraceError('MR_THREAD_MODULE', 'the module of the application starts it whenever a thread imports it', {
    hint: 'Start it elsewhere, or only if (isMainThread), of node:worker_threads.',
  })
}

function moduleUrl({ module, app }: WorkersPlace): URL {
  if (module === undefined) {
    throw new MillraceError('MR_THREAD_MODULE', `${app.settings.threads} threads on Kafka need to know the module`, {
      hint:
        'Let a module export the application by default, and give its URL: ' +
        'Streams.start(app, { log, module: import.meta.url }). With `threads: 1` none is needed.',
    })
  }
  if (module instanceof URL) return module
  if (URL.canParse(module)) return new URL(module)
  throw new MillraceError('MR_CONFIG', `the option module is ${JSON.stringify(module)}`, {
    hint: "Give a URL: import.meta.url, or new URL('./app.ts', import.meta.url).",
  })
}

function unsendable(option: string, hint: string): MillraceError {
  return new MillraceError('MR_CONFIG', `the option ${option} cannot be given to several threads on Kafka`, { hint })
}

/** Leaves out the logger, and functions: the module has its own for each thread. */
function sentSettings(settings: Settings): Partial<Settings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => isPlainData(value)))
}
