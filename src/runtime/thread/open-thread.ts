import type { ThreadVitals } from '../../health/vitals.ts'
import { parseTaskId, type Endpoint } from '../../group/group.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import { subtopologiesForGroup } from '../../topology/describe/subtopologies-for-group.ts'
import { MemoryShare } from '../memory/memory-budget.ts'
import { RepeatedLines } from '../../application/repeated-lines.ts'
import { StreamThread, type StreamThreadListeners } from './stream-thread.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'
import { TaskManager } from './task-manager.ts'
import type { ThreadSigns } from './thread-signs.ts'
import type { RouteListener, ThreadStatus, ThreadTaskStatus } from './thread-handle.ts'

/** What the threads of one event loop share. */
export interface SharedParts extends Pick<
  TaskManagerOptions,
  'app' | 'topology' | 'log' | 'home' | 'globals' | 'clock' | 'onRestore'
> {
  readonly processId: string
  readonly instanceId: string | undefined
  readonly endpoint: Endpoint | undefined
  readonly scheduler: Scheduler
}

export interface ThreadParts extends SharedParts, StreamThreadListeners {
  readonly onRoutes: RouteListener
}

/** ms a member may take to give up revoked tasks: long enough for a commit under load. */
const REBALANCE_TIMEOUT = 300_000

/** As Kafka Streams names them: `<application id>-<process id>-StreamThread-<n>`. */
export function threadName(applicationId: string, processId: string, index: number): string {
  return `${applicationId}-${processId}-StreamThread-${index + 1}`
}

/**
 * Connects a stream thread to the log. It joins the group when it runs. Its names are the same after a restart, which
 * ends what a predecessor left: a membership or an open transaction.
 *
 * @param index from 0 on
 * @throws MR_LOG_UNREACHABLE
 */
export async function openThread(parts: ThreadParts, index: number): Promise<StreamThread> {
  const { app, topology, log, home, processId, instanceId, endpoint, onRoutes, clock } = parts
  const name = threadName(app.id, processId, index)
  const missingOutputs = new Set<string>()
  const signs: ThreadSigns = { turns: 0, hasJoined: false, logAnswers: true }
  const client = await log.openClient({
    groupId: app.id,
    processId,
    subtopologies: subtopologiesForGroup(topology, app.id, app.settings.replicationFactor),
    rebalanceTimeout: REBALANCE_TIMEOUT,
    standbyReplicas: app.settings.standbyReplicas,
    instanceId: instanceId === undefined ? undefined : `${instanceId}-${index + 1}`,
    endpoint,
    onRoutes,
    storedTasks: home.unheld().flatMap((task) => parseTaskId(task) ?? []),
    guarantee: app.settings.guarantee,
    commitInterval: app.settings.commitInterval,
    onUnreachable: (reason) => {
      const { logger } = app.settings
      signs.logAnswers = reason === undefined
      if (reason === undefined) logger.warn({ thread: name }, 'the brokers answer again')
      else logger.warn({ thread: name, reason }, 'no broker answers; trying until one does')
    },
    missingTopics: {
      timeout: app.settings.taskTimeout,
      tell: (topic, isMissing) => {
        const { logger, taskTimeout: upTo } = app.settings
        if (isMissing) {
          missingOutputs.add(topic)
          logger.warn(
            { thread: name, topic, upTo },
            'a topic that is written to does not exist any more; waiting for it to be created again',
          )
        } else if (missingOutputs.delete(topic))
          logger.warn({ thread: name, topic }, 'the topic that is written to is there again')
      },
    },
    fetchBytes: new MemoryShare(app.settings, topology).fetched,
    clientId: name,
    transactionalId: `${app.id}-${processId}-${index + 1}`,
  })
  const lines = new RepeatedLines(app.settings.logger, clock)
  const manager = new TaskManager({ ...parts, client, lines, tasks: 'real' })
  return new StreamThread({ ...parts, name, client, missingOutputs, manager, settings: app.settings, lines, signs })
}

/** What a thread has done and is doing, as of now. */
export function statusOf({ manager, commits, redone }: StreamThread): ThreadStatus {
  const tasks: ThreadTaskStatus[] = []
  let lag = 0
  for (const { id, processing } of manager.tasks) {
    for (const queue of processing.queues) lag += queue.size + (manager.lag(queue.topic, queue.partition) ?? 0)
    tasks.push({
      id,
      streamTime: processing.streamTime,
      processed: processing.processed,
      calls: processing.calls.status,
    })
  }
  const { processed, written, standbyLags: standbys, drops } = manager
  const { memoryUse: memory } = manager
  return { processed, written, lag, commits, redone, memory, dropped: [...drops.byReason], tasks, standbys }
}

/** What the health of the application is judged by, as of now. */
export function vitalsOf({ manager, commits, signs }: StreamThread): ThreadVitals {
  const { turns, hasJoined: joined, logAnswers } = signs
  const { processed, queued, waiting, restores } = manager
  return { loop: undefined, turns, joined, logAnswers, processed, commits, queued, waiting, restores }
}
