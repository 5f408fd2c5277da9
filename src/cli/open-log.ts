import { join } from 'node:path'
import { embeddedLog } from '../log/embedded/embedded-log.ts'
import type { Log } from '../log/log.ts'
import { kafka, type KafkaOptions } from '../kafka/index.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { FileMode } from '../platform/file-mode.ts'
import type { Logger } from '../application/application.ts'

/** ms until a cluster that does not answer at the start counts as unreachable: the user of the command is waiting. */
const PATIENCE = 5000

export interface LogChoice {
  /** Kafka brokers; without them, an embedded log. */
  readonly kafka?: readonly string[]
  /** How the members of a Kafka group share their tasks. */
  readonly groupProtocol?: NonNullable<KafkaOptions['groupProtocol']>
  readonly data: string
  /** True: opens what is left of an embedded log that lost data. */
  readonly acceptLoss?: boolean
  /** The users who may read new files. */
  readonly fileMode?: FileMode
}

/**
 * Opens the log that a command works on. Asks a cluster about the `topics` that it will need, to find out whether it
 * answers.
 *
 * @throws MR_LOG_UNREACHABLE, MR_STATE_LOCKED, MR_STATE_FOREIGN, MR_STATE_CORRUPT
 */
export async function openLog(place: LogChoice, topics: readonly string[], logger?: Logger): Promise<Log> {
  if (place.kafka === undefined) {
    const { data, acceptLoss = false, fileMode = 'owner' } = place
    const directory = join(data, 'log')
    return await embeddedLog({ directory, acceptLoss, fileMode, ...(logger === undefined ? {} : { logger }) })
  }
  await reach(place.kafka, topics)
  const { kafka: brokers, groupProtocol = 'auto' } = place
  return kafka({ brokers, groupProtocol })
}

/** Checks that the brokers answer. A running application waits for brokers, but a wrong address must show at once. */
async function reach(brokers: readonly string[], topics: readonly string[]): Promise<void> {
  const probe = kafka({ brokers, apiTimeout: PATIENCE, connectTimeout: PATIENCE })
  try {
    // Without topics the description of none would be no question.
    await (topics.length === 0 ? probe.listTopics() : probe.describeTopics(topics))
  } catch (error) {
    // A refusal is an answer, too.
    if (error instanceof MillraceError && error.code !== 'MR_LOG_UNREACHABLE') throw error
    throw new MillraceError('MR_LOG_UNREACHABLE', `no Kafka broker answers at ${brokers.join(', ')}`, {
      cause: error,
      hint: 'Check host and port, and that a broker listens there. Without --kafka the app runs on an embedded log.',
    })
  } finally {
    await probe.close()
  }
}
