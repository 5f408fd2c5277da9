import { join } from 'node:path'
import { embeddedLog } from '../log/embedded/embedded-log.ts'
import type { Log } from '../log/log.ts'
import { kafka, type KafkaOptions } from '../kafka/index.ts'
import { MillraceError, messageOf } from '../errors/millrace-error.ts'
import type { FileMode } from '../platform/file-mode.ts'
import type { EngineName } from '../engine/engine.ts'
import type { Logger } from '../application/application.ts'
import { certificateFailure } from './certificate-failure.ts'
import { kafkaOptions, type KafkaAccess } from './kafka-access.ts'
import type { CommandValues } from './settings/command-option.ts'
import type { GROUP } from './settings/connection-settings.ts'

/** ms until a cluster that does not answer at the start counts as unreachable: the user of the command is waiting. */
const PATIENCE = 5000

/** The log that a command works on: on Kafka, or embedded. */
export interface LogChoice extends KafkaAccess, CommandValues<typeof GROUP> {
  readonly data: string
  /** The engine of an embedded log. */
  readonly engine?: EngineName
  /** False: its commits are not synced. */
  readonly fsync?: boolean
  /** False: no other process uses it meanwhile. */
  readonly attach?: boolean
  /** True: opens what is left of an embedded log that lost data. */
  readonly acceptLoss?: boolean
  /** The users who may read new files. */
  readonly fileMode?: FileMode
}

/**
 * Opens the log that a command works on. An embedded log that another process has open is used through that one. Asks a
 * cluster about the `topics` that it will need, to find out whether it answers.
 *
 * @throws MR_LOG_UNREACHABLE, MR_STATE_LOCKED, MR_ATTACH_OWNER, MR_ATTACH_VERSION, MR_STATE_FOREIGN, MR_STATE_CORRUPT,
 * MR_CLI_SECRET
 */
export async function openLog(place: LogChoice, topics: readonly string[], logger?: Logger): Promise<Log> {
  const access = kafkaOptions(place)
  if (access !== undefined) return openKafka(access, topics)
  const { data, acceptLoss = false, fileMode = 'owner', fsync = true, attach = true, engine } = place
  return await embeddedLog({
    directory: join(data, 'log'),
    acceptLoss,
    fileMode,
    fsync,
    attach,
    ...(engine === undefined ? {} : { engine }),
    ...(logger === undefined ? {} : { logger }),
  })
}

/** Opens a log on Kafka, of brokers that answer. @throws MR_LOG_UNREACHABLE, MR_CONFIG */
export async function openKafka(options: KafkaOptions, topics: readonly string[]): Promise<Log> {
  const log = kafka(options)
  await reach(options, topics)
  return log
}

/** Opens a log as `openLog`, and closes it when `act` has ended. */
export async function withLog(
  place: LogChoice,
  topics: readonly string[],
  act: (log: Log) => Promise<void>,
): Promise<void> {
  const log = await openLog(place, topics)
  try {
    await act(log)
  } finally {
    await log.close()
  }
}

/**
 * Checks that the brokers answer. A running application waits for brokers, but a wrong address must show at once.
 *
 * @throws MR_LOG_UNREACHABLE; MR_LOG_CERTIFICATE for a certificate that is refused; MR_AUTHENTICATION
 */
export async function reach(access: KafkaOptions, topics: readonly string[]): Promise<void> {
  const probe = kafka({ ...access, apiTimeout: PATIENCE, connectTimeout: PATIENCE })
  try {
    // Without topics the description of none would be no question.
    await (topics.length === 0 ? probe.listTopics() : probe.describeTopics(topics))
  } catch (error) {
    // A refusal is an answer, too.
    if (error instanceof MillraceError && error.code !== 'MR_LOG_UNREACHABLE') throw error
    const brokers = [access.brokers].flat().join(', ')
    const failure = certificateFailure(error, brokers)
    if (failure !== undefined) throw failure
    const isClosed = messageOf(error).includes('Connection closed')
    throw new MillraceError('MR_LOG_UNREACHABLE', `no Kafka broker answers at ${brokers}`, {
      cause: error,
      hint: isClosed
        ? 'It closes the connection: its listener may ask for TLS, for a certificate (--kafka-cert) or for a login.'
        : 'Check host and port, and that a broker listens there. Without --kafka the app runs on an embedded log.',
    })
  } finally {
    await probe.close()
  }
}
