import { MillraceError } from '../errors/millrace-error.ts'
import type { Application, Logger } from '../application/application.ts'
import type { Log } from '../log/log.ts'
import type { KafkaOptions } from '../kafka/index.ts'
import { kafkaOptions } from './kafka-access.ts'
import { loadModule } from './load-app.ts'
import { openKafka, openLog, reach } from './open-log.ts'
import { flagOf, usageError } from './settings/command-option.ts'
import { GROUP, isSecret, kafka, KAFKA_LOGIN } from './settings/connection-settings.ts'
import { appSettings, logSettings, readModuleOptions, type CodeOptions } from './settings/module-settings.ts'
import { APPLICATION, OWN_DEFAULTS, type RunOptions } from './settings/run-settings.ts'
import type { Settings } from './settings/settings.ts'

/** What is to be run, and how. */
export interface RunPlan {
  readonly app: Application
  readonly options: RunOptions
  readonly code: CodeOptions
  /** All settings that were given, those within the application and its log among them. */
  readonly settings: Settings
  /** The log that the module exports. */
  readonly log: Log | undefined
  /** Opens the log. It must be closed, whether it is the module's or another. */
  open(topics: readonly string[], logger: Logger): Promise<Log>
}

/**
 * Loads an application, and puts the settings of the command line over those of its module.
 *
 * @throws MR_APP_MISSING, MR_APP_LOAD, MR_APP_DEFAULT; MR_CLI_CONFIG, MR_CLI_USAGE for settings that cannot be
 */
export async function planRun(file: string, given: Settings): Promise<RunPlan> {
  const { app: exported, exports } = await loadModule(file)
  const ofModule = readModuleOptions(exports['options'], file)
  const settings = given.over(ofModule.settings)
  const options = settings.values(OWN_DEFAULTS) as RunOptions
  const log = isLog(exports['log']) ? exports['log'] : undefined
  requireTogether(options, settings, log)
  const app = changed(exported, settings)
  const isLaidOver = log !== undefined && (log.kind === 'kafka' || !isElsewhere(settings))
  const shown = [appSettings(exported.options, file), ...(isLaidOver ? [logSettings(log.options, file)] : [])]
  return {
    app,
    options,
    code: ofModule.code,
    settings: settings.over(...shown),
    log,
    open: (topics, logger) => openPlanned({ app, options, settings, log }, topics, logger),
  }
}

/** Returns the application with the settings that are options of it. */
function changed(app: Application, settings: Settings): Application {
  const changes = settings.pick(Object.keys(APPLICATION))
  if (Object.keys(changes).length === 0) return app
  if (app.changed === undefined) {
    throw new MillraceError('MR_CLI_CONFIG', 'the application was made by another version of Millrace', {
      hint: `Install one version, or leave out ${Object.keys(changes).map(settings.nameOf).join(', ')}.`,
    })
  }
  try {
    return app.changed(changes)
  } catch (error) {
    throw settings.placed(error)
  }
}

/** Settings of a connection. Secrets say nothing by themselves. */
const ON_KAFKA = Object.entries({ kafka, ...KAFKA_LOGIN, ...GROUP })
  .filter(([, row]) => !isSecret(row))
  .map(([name]) => name)

type Opened = Pick<RunPlan, 'app' | 'options' | 'settings' | 'log'>

async function openPlanned(plan: Opened, topics: readonly string[], logger: Logger): Promise<Log> {
  const { app, settings, log: exported } = plan
  try {
    const log = await openOver(plan, topics, logger)
    if (exported !== undefined && exported !== log) await exported.close()
    if (log === exported || log.kind !== 'kafka' || app.settings.threads === 1 || log.describe?.() !== undefined)
      return log
    await log.close()
    throw new MillraceError('MR_THREAD_LOG', 'the connection has what no other thread can get, as a file of tokens', {
      hint: 'Let the module export the log with all of its settings, so that each thread makes its own.',
    })
  } catch (error) {
    throw settings.placed(error)
  }
}

async function openOver({ options, settings, log }: Opened, topics: readonly string[], logger: Logger): Promise<Log> {
  const given = { ...options, nameOf: settings.nameOf }
  if (log === undefined) return openLog(given, topics, logger)
  if (log.kind !== 'kafka') return isElsewhere(settings) ? openLog(given, topics, logger) : log
  const base = log.options as KafkaOptions | undefined
  const changed = ON_KAFKA.some((name) => settings.given.has(name)) ? kafkaOptions(given, base) : undefined
  if (changed !== undefined) return openKafka(changed, topics)
  if (base !== undefined) await reach(base, topics)
  return log
}

/** Whether settings name another log than one in a process. */
function isElsewhere({ given }: Settings): boolean {
  return given.has('kafka') || given.has('data')
}

function isLog(value: unknown): value is Log {
  return typeof value === 'object' && value !== null && 'kind' in value && 'openClient' in value
}

const SERVER = '--http PORT or --http HOST:PORT'

/** Settings that mean nothing without another one. */
const NEEDED: readonly (readonly [name: keyof RunOptions, needs: keyof RunOptions, example: string])[] = [
  ['httpTokenFile', 'http', SERVER],
  ['httpDeadLetters', 'http', SERVER],
  ['httpWrite', 'http', SERVER],
  ['httpHosts', 'http', SERVER],
  ['httpCors', 'http', SERVER],
  ['advertise', 'http', SERVER],
  ['httpCert', 'http', SERVER],
  ['httpCert', 'httpKey', '--http-key FILE'],
  ['httpKey', 'httpCert', '--http-cert FILE'],
  ['peerCert', 'peerKey', '--peer-key FILE'],
  ['peerKey', 'peerCert', '--peer-cert FILE'],
  ['peerCert', 'peerCa', '--peer-ca FILE'],
  // Instances that ask by TLS must answer by it.
  ['peerCa', 'httpCert', '--http-cert FILE'],
  ['json', 'printConfig', '--print-config'],
]

/** Settings of the embedded log. */
const EMBEDDED = ['fromBeginning', 'acceptLoss'] as const

function requireTogether(options: RunOptions, { nameOf }: Settings, log: Log | undefined): void {
  const isOnKafka = options.kafka !== undefined || log?.kind === 'kafka'
  const other = EMBEDDED.find((name) => options[name] !== undefined)
  if (isOnKafka && other !== undefined) {
    throw usageError(
      `${nameOf(other)} cannot be used with ${options.kafka === undefined ? 'a log on Kafka' : nameOf('kafka')}`,
      other === 'fromBeginning'
        ? 'Stop every instance, then run millrace reset with the same --kafka and --data.'
        : `Leave one of them out: ${flagOf(other)} is for the embedded log.`,
    )
  }
  const ofGroup = Object.keys(GROUP).find((name) => options[name as keyof typeof GROUP] !== undefined)
  if (!isOnKafka && ofGroup !== undefined) {
    throw usageError(
      `${nameOf(ofGroup)} cannot be used without --kafka`,
      `Name the brokers with --kafka HOST:PORT,…, or leave ${nameOf(ofGroup)} out.`,
    )
  }
  for (const [name, needs, example] of NEEDED) {
    if (options[name] === undefined || options[needs] !== undefined) continue
    throw usageError(
      `${nameOf(name)} cannot be used without ${flagOf(needs)}`,
      `Add ${example}, or leave ${nameOf(name)} out.`,
    )
  }
}
