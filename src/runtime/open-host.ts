import type { Application, Logger } from '../application/application.ts'
import { chooseEngine } from '../engine/choice/choose-engine.ts'
import type { EngineFactory, EngineName } from '../engine/engine.ts'
import { systemClock } from '../platform/clock.ts'
import { eventLoopScheduler } from '../platform/scheduler.ts'
import type { Topology } from '../topology/topology.ts'
import type { ClaimedDirectory } from './state-directory/identity.ts'
import { stateHome, type StateHome } from './state-directory/state-home.ts'
import type { PeerCredentials } from './instance-queries.ts'
import type { Options } from './streams-options.ts'
import type { ThreadHost } from './thread/thread-handle.ts'
import { EventLoopThreads } from './workers/event-loop-threads.ts'
import { openWorkers } from './workers/open-workers.ts'

/** Where the state of an application lies, and what is opened over it. */
export interface StatePlace {
  readonly directory: string
  readonly home: StateHome
  readonly claim: ClaimedDirectory
  readonly engine: EngineFactory
  /** Gives up the log, if it is one that processes share. */
  readonly release: () => Promise<void>
  readonly host: ThreadHost
  readonly credentials: PeerCredentials
}

interface HostPlace {
  readonly app: Application
  readonly topology: Topology
  readonly options: Options
  readonly engine: EngineFactory
  readonly directory: string
  readonly claim: ClaimedDirectory
}

/** Prepares workers for several threads on Kafka, each with its own event loop; all other threads share this one. */
export async function openHost(place: HostPlace): Promise<{ readonly home: StateHome; readonly host: ThreadHost }> {
  const { app, topology, options, engine, directory, claim } = place
  const { log, module, instanceId, fileMode, clock = systemClock, scheduler = eventLoopScheduler } = options
  const { advertise: endpoint } = options
  const { processId } = claim
  if (app.settings.threads > 1 && log.kind === 'kafka') {
    const loopOptions = (['clock', 'scheduler'] as const).filter((name) => options[name] !== undefined)
    const { onRestore } = options
    return openWorkers({
      app,
      topology,
      log,
      module,
      engine,
      directory,
      processId,
      instanceId,
      endpoint,
      fileMode,
      loopOptions,
      onRestore,
    })
  }
  const { onRestore = () => {} } = options
  const home = stateHome(engine, directory, app.settings.logger, options.fileMode)
  const parts = { app, topology, log, home, processId, instanceId, endpoint, clock, scheduler, onRestore }
  return { home, host: await EventLoopThreads.open(parts) }
}

/** Returns the engine that was given, or else chosen for this machine, which is logged. */
export async function engineOf(engine: EngineFactory | EngineName | undefined, logger: Logger): Promise<EngineFactory> {
  if (typeof engine === 'object') return engine
  const { factory, note } = await chooseEngine(engine)
  if (note === undefined) logger.info({ engine: factory.name }, 'state engine chosen')
  else logger.warn({ engine: factory.name }, note)
  return factory
}
