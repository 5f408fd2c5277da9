import { memoryLog } from '../log/memory/memory-log.ts'
import type { Log, LogClient, LogProducer } from '../log/log.ts'
import { eventLoopScheduler, type Scheduler } from '../platform/scheduler.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { GLOBAL_STATE, GlobalTables } from '../runtime/thread/global-tables.ts'
import { RepeatedLines } from '../application/repeated-lines.ts'
import { stateHome, type StateHome } from '../runtime/state-directory/state-home.ts'
import { wait, type Steps } from '../platform/steps.ts'
import { TaskManager } from '../runtime/thread/task-manager.ts'
import type { EngineFactory } from '../engine/engine.ts'
import type { Application } from '../application/application.ts'
import { subtopologiesForGroup } from '../topology/describe/subtopologies-for-group.ts'
import type { Topology } from '../topology/topology.ts'
import type { DriverSettings } from './driver-options.ts'
import { RecordingProducer, withProducer } from './recording-client.ts'

/** The parts of a driver: the memory log, one client of it, and the tasks. */
export interface DriverParts {
  readonly topology: Topology
  readonly log: Log
  readonly clock: ManualClock
  readonly home: StateHome
  readonly client: LogClient
  /** The producer that feeds the input topics. */
  readonly feeder: LogProducer
  readonly recording: RecordingProducer
  readonly globals: GlobalTables
  readonly manager: TaskManager
  /** Resolves when the next call of an asynchronous step ends. */
  callEnded(): Promise<void>
}

/** Pauses between the attempts at a call are as long as they may be, so that tests know by how much to advance. */
const DRIVER_SCHEDULER: Scheduler = { ...eventLoopScheduler, random: () => 1 - Number.EPSILON }

/** Makes a log with the topics of the application, and opens the application on it. */
export function* openParts(
  app: Application,
  options: DriverSettings,
  engine: EngineFactory,
  directory: string,
): Steps<DriverParts> {
  const clock = new ManualClock(options.wallClock ?? Date.now())
  const log = memoryLog({ clock })
  const topics = userTopics(app.topology()).map((name) => ({ name, partitions: partitionsOf(name, options) }))
  yield* wait(log.createTopics(topics))
  return yield* openOn(log, clock, stateHome(engine, directory, app.settings.logger), app, options)
}

/** Opens the application on a log that may hold its offsets and changelogs already. */
export function* openOn(
  log: Log,
  clock: ManualClock,
  home: StateHome,
  tested: Application,
  options: DriverSettings,
): Steps<DriverParts> {
  const app = showingValues(tested)
  const topology = app.topology()
  const globals = yield* GlobalTables.open(app, topology, log, home, clock)
  yield* globals.bootstrap()
  const connection = yield* wait(
    log.openClient({
      groupId: app.id,
      processId: 'test-driver',
      subtopologies: subtopologiesForGroup(topology, app.id, 1),
      rebalanceTimeout: 60_000,
      standbyReplicas: 0,
      guarantee: 'exactly_once',
      clientId: `${app.id}-test-driver`,
      transactionalId: `${app.id}-test-driver`,
    }),
  )
  const recording = new RecordingProducer(connection.producer)
  const client = withProducer(connection, recording)
  const merged = options.tasks === 'merged'
  const manager = new TaskManager({
    app,
    topology,
    log,
    client,
    home,
    globals,
    clock,
    scheduler: DRIVER_SCHEDULER,
    onRestore: () => {},
    lines: new RepeatedLines(app.settings.logger, clock),
    tasks: merged ? 'merged' : 'real',
    topicMissing: (name) => void log.createTopics([{ name, partitions: partitionsOf(name, options) }]),
    ...(merged ? { arrivalOrder: recording.compare } : {}),
  })
  let ended = Promise.withResolvers<void>()
  manager.onReady(() => ended.resolve())
  const callEnded = async (): Promise<void> => {
    await ended.promise
    ended = Promise.withResolvers()
  }
  yield* wait(client.group.join())
  yield* settleGroup(client, manager)
  return { topology, log, clock, home, client, feeder: log.openProducer(), recording, globals, manager, callEnded }
}

/** The records are those of a test, and who runs it wants to see which of them fail. */
function showingValues(app: Application): Application {
  return { id: app.id, settings: { ...app.settings, logValues: true }, topology: () => app.topology() }
}

/**
 * Closes the parts that `openOn` opened; the log stays. With `dirty` nothing more is committed: records that were
 * processed since the last commit are processed again.
 */
export function* closeParts(
  { home, client, feeder, globals, manager }: DriverParts,
  how: 'clean' | 'dirty',
): Steps<void> {
  if (how === 'clean') yield* manager.closeClean()
  else yield* manager.closeDirty()
  manager.close()
  yield* globals.close()
  home.release(GLOBAL_STATE)
  yield* wait(client.group.leave())
  yield* wait(client.close())
  yield* wait(feeder.close())
}

/** Handles the events of the group until there are no more and every task runs. */
export function* settleGroup(client: LogClient, manager: TaskManager): Steps<void> {
  for (let event = client.group.nextEvent(); event !== undefined; event = client.group.nextEvent()) {
    if (event.type === 'waiting' || event.type === 'failed') throw event.error
    if (event.type === 'assigned') yield* manager.assign(event.active)
    if (event.type === 'revoked') yield* manager.revoke(event.active)
    client.group.acknowledge()
  }
  while (manager.restoring) yield* manager.restore()
}

export function partitionsOf(topic: string, { partitions }: DriverSettings): number {
  return typeof partitions === 'number' ? partitions : (partitions[topic] ?? 1)
}

function userTopics(topology: Topology): string[] {
  const names = new Set<string>()
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind === 'source' && !node.internal) for (const name of node.topics) names.add(name)
      if (node.kind === 'sink' && !node.internal && typeof node.topic === 'string') names.add(node.topic)
    }
  }
  return [...names]
}
