import { MillraceError } from '../errors/millrace-error.ts'
import { taskIdText } from '../group/group.ts'
import { kafka as kafkaLog, type KafkaOptions } from '../kafka/index.ts'
import type { LogFormat } from '../application/log-line.ts'
import { InstanceClient, type InstanceChoice } from './instance-client.ts'
import { kafkaOptions, type KafkaAccess } from './kafka-access.ts'
import { columns } from './text.ts'

/** The instances that are asked for: as one of them knows them, or as their group does. */
export interface GroupChoice extends InstanceChoice, KafkaAccess {
  /** Id of the application, with `kafka`. */
  readonly app?: string
}

export interface InstancesOptions extends GroupChoice {
  readonly json?: boolean
  readonly logFormat: LogFormat
}

/** An instance and its tasks, as a server or a group shows it. */
export interface ShownInstance {
  readonly endpoint: string | null
  readonly active: readonly string[]
  readonly standby: readonly string[]
  /** True: the instance that was asked. The group does not know. */
  readonly isLocal?: boolean
  /** As the group knows it. */
  readonly processId?: string
}

/**
 * Runs `millrace instances`: an instance a line, with its tasks.
 *
 * @throws MR_CLI_USAGE; errors of the client and of `instancesOfGroup`
 */
export async function showInstances(options: InstancesOptions): Promise<void> {
  requireOnePlace(options)
  const { app } = options
  const kafka = kafkaOptions(options)
  const instances =
    app === undefined || kafka === undefined
      ? (await new InstanceClient(options).json('v1/instances', areInstances)).instances
      : await instancesOfGroup(kafka, app, options.timeout)
  if (instances.length === 0) console.error(`no instances of ${app}`)
  else if (options.json === true) for (const each of instances) console.log(JSON.stringify(each))
  else console.log(textOf(instances))
}

/**
 * Returns the instances that a group has now.
 *
 * @param timeout ms to wait for brokers, and for a group of the classic protocol to share its tasks
 * @throws MR_LOG_UNREACHABLE; what brokers refuse
 */
export async function instancesOfGroup(
  kafka: KafkaOptions,
  app: string,
  timeout: number,
): Promise<readonly ShownInstance[]> {
  const log = kafkaLog({ ...kafka, apiTimeout: timeout, connectTimeout: timeout, requestTimeout: timeout })
  try {
    const instances = await log.groupInstances(app)
    return instances.map(({ processId, endpoint = null, active, standby }) => {
      return { processId, endpoint, active: active.map(taskIdText), standby: standby.map(taskIdText) }
    })
  } finally {
    await log.close()
  }
}

/** @throws MR_CLI_USAGE */
export function requireOnePlace({ url, kafka, app }: GroupChoice): void {
  const refused = (message: string): MillraceError =>
    new MillraceError('MR_CLI_USAGE', message, {
      hint: 'Give --url URL, or --kafka HOST:PORT,… and --app ID. Without any it is an instance on this machine.',
    })
  if (url !== undefined && kafka !== undefined) throw refused('both --url and --kafka were given')
  if (kafka !== undefined && app === undefined) throw refused('--kafka cannot be used without --app')
  if (kafka === undefined && app !== undefined) throw refused('--app cannot be used without --kafka')
}

function textOf(instances: readonly ShownInstance[]): string {
  const isOfGroup = instances.some(({ processId }) => processId !== undefined)
  return columns(
    ['endpoint', 'active', 'standby', ...(isOfGroup ? ['process'] : [])],
    instances.map(({ endpoint, active, standby, processId = '' }) => [
      endpoint ?? '-',
      active.join(' ') || '-',
      standby.join(' ') || '-',
      ...(isOfGroup ? [processId] : []),
    ]),
  )
}

function areInstances(value: object): value is { readonly instances: readonly ShownInstance[] } {
  const { instances } = value as { readonly instances?: unknown }
  return (
    Array.isArray(instances) &&
    instances.every(
      ({ endpoint, active, standby }: Partial<ShownInstance>) =>
        (endpoint === null || typeof endpoint === 'string') && Array.isArray(active) && Array.isArray(standby),
    )
  )
}
