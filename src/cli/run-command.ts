import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../errors/millrace-error.ts'
import type { Log } from '../log/log.ts'
import { systemClock } from '../platform/clock.ts'
import { Streams } from '../runtime/streams.ts'
import type { ServerOptions, ServerToken } from '../server/index.ts'
import type { RestoreListener } from '../runtime/restore/restorer.ts'
import type { StreamsOptions } from '../runtime/streams-options.ts'
import type { StreamsStatus } from '../runtime/streams-status.ts'
import type { EngineFactory } from '../engine/engine.ts'
import { chooseEngine } from '../engine/choice/choose-engine.ts'
import type { Application } from '../application/application.ts'
import { appTopics, createMissingTopics } from './app-topics.ts'
import { isDefaultLogger } from '../application/stderr-logger.ts'
import { ConsoleLogger } from './console-logger.ts'
import { Ending } from './ending.ts'
import { withinPatience } from './patience.ts'
import { configJson, configText } from './print-config.ts'
import { RestoreReport } from './restore-progress.ts'
import { checkMemory } from './memory-check.ts'
import { planRun } from './run-plan.ts'
import { variableOf } from './settings/command-option.ts'
import type { CodeOptions } from './settings/module-settings.ts'
import type { RunOptions } from './settings/run-settings.ts'
import type { Settings } from './settings/settings.ts'
import { closingLine, StatusLine, type RunStatus } from './status.ts'
import { carryOutReset, mustFinishReset, planReset } from '../admin/plan-reset.ts'
import { Terminal } from './terminal.ts'

/** ms between two status lines. On a terminal they replace each other, elsewhere they add up. */
const STATUS_EVERY = { interactive: 1000, plain: 2000 }

/** ms that load balancers are given to send requests elsewhere. */
const DRAIN = 5000

/** ms for closing the log and for the last lines, after an application that was to end at once. */
const LAST_WORDS = 1000

/**
 * Runs `millrace run`: runs an application until a signal or the end of `--for`, then commits and leaves.
 *
 * @throws any error of loading, starting or running the application
 */
export async function runApp(file: string, given: Settings): Promise<void> {
  const plan = await planRun(file, given)
  const { app, options, settings, code } = plan
  if (options.printConfig === true) {
    await plan.log?.close()
    return console.log(options.json === true ? configJson(settings) : configText(settings))
  }
  const topics = appTopics(app.topology(), app.settings.deadLetterTopic)
  const terminal = new Terminal(process.stderr)
  const logger = new ConsoleLogger(terminal, options.logFormat, options.logLevel)
  const { factory: engine, note } = await chooseEngine(options.engine)
  if (note !== undefined) logger.warn({}, note)
  const scarce = checkMemory(app.settings)
  if (scarce !== undefined) logger.warn({}, scarce)
  const serving = serverOptionsOf(options)
  // An application that cannot be served is not started: it would join its group, and leave it, at each restart.
  if (serving !== undefined) await (await import('../server/serve.ts')).requireServable(app, serving)
  const quiet = listen(logger, options)
  const log = await plan.open(topics.sources, logger)
  let failure: unknown
  try {
    // Before anything is changed: another application may have the log, or a tool that gives it up.
    await log.hold?.({ attach: options.attach ?? true })
    if (log.kind === 'embedded') {
      const { names, partitions } = await createMissingTopics(log, topics)
      if (names.length > 0) logger.info({ topics: names, partitions }, 'created the topics that the log lacked')
    }
    const states = options.stateDirectory ?? join(options.data, 'state')
    if (log.kind === 'kafka' && mustFinishReset(app, states)) throw unfinishedReset()
    if (options.fromBeginning === true || mustFinishReset(app, states)) {
      await carryOutReset(await planReset(app, log, states), log)
      logger.info(
        { app: app.id },
        'reset offsets, deleted internal topics and state; input is processed from the beginning',
      )
    }
    logger.info({ app: app.id, log: placeOf(log, settings), engine: engine.name, data: options.data }, 'starting')
    const module = pathToFileURL(resolve(file))
    const run = { module, log, engine, terminal, logger, options, settings, code, states, serving }
    await runUntilEnd(adjusted(app, terminal, logger, options), run)
  } catch (error) {
    failure = settings.placed(error)
    throw failure
  } finally {
    terminal.clearStatus()
    logger.flush(failure)
    quiet()
    // An application that did not end does not let the log close either: the process ends without that.
    if (!isTimeout(failure)) await log.close()
  }
}

interface Run {
  /** The module of the application. */
  readonly module: URL
  readonly log: Log
  readonly engine: EngineFactory
  readonly terminal: Terminal
  readonly logger: ConsoleLogger
  readonly options: RunOptions
  readonly settings: Settings
  readonly code: CodeOptions
  /** The directory of the state. */
  readonly states: string
  /** Undefined without a server. */
  readonly serving: ServerOptions | undefined
}

async function runUntilEnd(app: Application, run: Run): Promise<void> {
  const { module, log, engine, terminal, logger, options, settings, code } = run
  const restore = new RestoreReport(terminal, options.logFormat === 'json' ? logger : undefined)
  const started = systemClock.monotonic()
  const ending = new Ending(options.for)
  /** When closing began, by the monotonic clock. */
  let closing = Infinity
  const place = log.kind === 'kafka' ? placeOf(log, settings) : 'the embedded log'
  const say = (what: string): void => {
    terminal.clearStatus()
    logger.flush()
    logger.info({ for: what }, 'closing takes long; waiting')
  }
  const patiently = <T>(end: Promise<T>, what: () => string): Promise<T> => {
    const passed = systemClock.monotonic() - closing
    return withinPatience(end, { timeout: options.closeTimeout, passed, what, say })
  }
  let ticker: NodeJS.Timeout | undefined
  try {
    const starting = startServed(run, app, {
      log,
      module,
      engine,
      stateDirectory: run.states,
      ...settings.pick(OF_STREAMS),
      ...peersOf(options),
      ...code,
      onRestore: both(restore.listener, code.onRestore),
    })
    let running: Streams | undefined
    void ending.urgent.then(() => endAtOnce(running))
    const cutShort = ending.due.then((reason) => {
      if (running !== undefined) return starting
      closing = systemClock.monotonic()
      logger.info({ reason }, 'closing')
      return patiently(starting, () => `${place}, without which the application cannot start`)
    })
    const streams = await Promise.race([starting, cutShort])
    running = streams
    const line = new StatusLine(started)
    ticker = setInterval(
      () => {
        logger.tick()
        const now = systemClock.monotonic()
        const status = summarize(streams.status())
        const text = line.text(status, now)
        // An application that does nothing says nothing, except on a terminal, where the line is not added to others.
        if (!terminal.isInteractive && !line.hasChanged) return
        if (options.logFormat === 'json') logger.info(status, 'status')
        else if (!restore.isDrawing) terminal.status(text)
      },
      terminal.isInteractive ? STATUS_EVERY.interactive : STATUS_EVERY.plain,
    )
    const isCutShort = closing < Infinity
    const reason = await Promise.race([ending.due, streams.closed.then(() => 'shut down by the group')])
    if (reason === 'terminated' && !isCutShort) await drain(streams, ending, run)
    closing = Math.min(closing, systemClock.monotonic())
    clearInterval(ticker)
    restore.stop()
    terminal.clearStatus()
    if (!isCutShort) logger.info({ reason }, 'closing')
    // Closed tasks no longer know lag and stream time.
    const before = summarize(streams.status())
    await patiently(
      streams.close(),
      () => `${place}: ${before.tasks} ${before.tasks === 1 ? 'task' : 'tasks'} to be committed and given up`,
    )
    const { processed, commits } = streams.status()
    const elapsed = systemClock.monotonic() - started
    if (options.logFormat === 'json')
      logger.info({ ...before, state: streams.state, processed, commits, elapsed }, 'done')
    else terminal.line(closingLine({ ...before, processed }, elapsed, commits))
  } finally {
    clearInterval(ticker)
    restore.stop()
    ending.stop()
  }
}

/** Goes on for a while, except that the application is not ready any more. Ends early if the application does. */
async function drain(streams: Streams, ending: Ending, { options, logger }: Run): Promise<void> {
  const time = options.drain ?? (streams.status().companions.size > 0 ? DRAIN : 0)
  if (time === 0) return
  logger.info({ for: `${time} ms` }, 'draining: not ready any more, and still running')
  streams.drain()
  const passed = Promise.withResolvers<void>()
  const timer = systemClock.schedule(time, passed.resolve)
  // What it ended by, `close` says.
  await Promise.race([passed.promise, ending.drained, streams.closed.catch(() => {})])
  timer.cancel()
}

/** An application that has not started has nothing to commit: the signal does what it does without a handler. */
function endAtOnce(streams: Streams | undefined): void {
  if (streams === undefined) {
    process.kill(process.pid, 'SIGTERM')
    return
  }
  streams.hurry()
  // A companion that has not ended may have connections open, which would keep the process alive.
  void streams.closed.catch(() => {}).then(() => setTimeout(() => process.exit(), LAST_WORDS).unref())
}

/** Starts the application and, with `--http`, its server. Without its server the application is closed. */
async function startServed({ serving, logger }: Run, app: Application, given: StreamsOptions): Promise<Streams> {
  const streams = await Streams.start(app, given)
  if (serving === undefined) return streams
  try {
    const { serve } = await import('../server/index.ts')
    const { address } = await serve(streams, serving)
    logger.info({ url: address?.url, console: `${address?.url}/console` }, 'serving HTTP')
  } catch (error) {
    await streams.close().catch(() => {})
    throw error
  }
  return streams
}

/** Returns the options of `serve`; undefined without a server. */
function serverOptionsOf(options: RunOptions): ServerOptions | undefined {
  const { http, httpDeadLetters, httpWrite = [], httpCert: cert, httpKey: key, peerCa } = options
  if (http === undefined) return undefined
  const tokens = tokensOf(options)
  return {
    listen: http,
    ...(tokens.length === 0 ? {} : { auth: { tokens } }),
    ...(cert === undefined || key === undefined
      ? {}
      : { tls: { cert, key, ...(peerCa === undefined ? {} : { peerCa }) } }),
    hosts: options.httpHosts ?? [],
    cors: options.httpCors ?? [],
    deadLetters: httpDeadLetters !== undefined,
    writableTopics: httpWrite,
  }
}

function tokensOf({ httpToken, httpTokenFile, httpDeadLetters, httpWrite = [] }: RunOptions): readonly ServerToken[] {
  const role = httpWrite.length > 0 ? 'write' : 'read'
  return [
    ...(httpTokenFile === undefined ? [] : [{ file: httpTokenFile, role } as const]),
    ...(httpToken === undefined ? [] : [{ token: httpToken, role } as const]),
    ...(httpDeadLetters === undefined ? [] : [{ file: httpDeadLetters, role: 'dead-letters' } as const]),
  ]
}

/** Settings that are options of `Streams.start` under the same names. */
const OF_STREAMS = ['fileMode', 'attach', 'instanceId', 'advertise', 'stateCleanupDelay', 'readyLag'] as const

function peersOf(options: RunOptions): Pick<StreamsOptions, 'peerToken' | 'peerTls'> {
  const { peerToken, peerTokenFile: file, peerCa: ca, peerCert: cert, peerKey: key } = options
  return {
    ...(file === undefined ? {} : { peerToken: { file } }),
    ...(peerToken === undefined ? {} : { peerToken: { env: variableOf('peerToken') } }),
    ...(ca === undefined ? {} : { peerTls: cert === undefined || key === undefined ? { ca } : { ca, cert, key } }),
  }
}

/** Returns a listener that notifies two. */
function both(own: RestoreListener, more: RestoreListener | undefined): RestoreListener {
  if (more === undefined) return own
  return (...restored) => {
    own(...restored)
    more(...restored)
  }
}

function summarize({ state, tasks, processed, lag }: StreamsStatus): RunStatus {
  let streamTime = -1
  for (const task of tasks) streamTime = Math.max(streamTime, task.streamTime)
  return { state, tasks: tasks.length, processed, lag, streamTime }
}

/** Makes an application without a logger log to the terminal. */
function adjusted(app: Application, terminal: Terminal, own: ConsoleLogger, options: RunOptions): Application {
  const { id, settings, changes } = app
  const logger = isDefaultLogger(settings.logger) ? own : settings.logger
  // On a terminal sits who started the application; a file is read by others, too.
  const logValues = settings.logValues || (terminal.isInteractive && options.logFormat === 'text')
  const adjusted = { ...settings, logger, logValues }
  return { id, settings: adjusted, topology: () => app.topology(), ...(changes === undefined ? {} : { changes }) }
}

/** Lets a signal change the level, and puts warnings of Node into the form of the other messages. @returns the end */
function listen(logger: ConsoleLogger, { logFormat, logLevel }: RunOptions): () => void {
  const change = (): void => {
    logger.level = logger.level === 'debug' ? logLevel : 'debug'
  }
  process.on('SIGUSR2', change)
  const warn = ({ name, message }: Error): void => logger.warn({ name }, message)
  if (logFormat === 'json') process.removeAllListeners('warning').on('warning', warn)
  return () => process.off('SIGUSR2', change).off('warning', warn)
}

function unfinishedReset(): MillraceError {
  return new MillraceError('MR_RESET_UNFINISHED', 'a reset of the application was interrupted', {
    hint: 'Run millrace reset with the same --kafka and --data again.',
  })
}

function isTimeout(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'MR_CLOSE_TIMEOUT'
}

function placeOf(log: Log, { given }: Settings): string {
  return log.kind === 'kafka' ? `Kafka at ${String(given.get('kafka')?.value)}` : log.kind
}
