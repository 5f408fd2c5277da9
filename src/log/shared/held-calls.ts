import { MillraceError } from '../../errors/millrace-error.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type { LocalLog } from '../local/local-log.ts'
import type { AttachedProducers } from './attached-producers.ts'
import { isCallName } from './calls.ts'

/** A topic as a producer needs it. */
export interface TopicMessage {
  readonly name: string
  readonly partitions: number
  readonly id: string
  readonly configs: Readonly<Record<string, string>>
}

/** A log that this process holds. */
export interface Held {
  readonly log: LocalLog
  readonly producers: AttachedProducers
}

/** Does what is asked by name: a method of the log, or what producers need besides. @throws what that throws */
export function callHeld({ log, producers }: Held, name: string, args: readonly unknown[]): MaybePromise<unknown> {
  if (isCallName(name)) return (log[name] as (...given: readonly unknown[]) => MaybePromise<unknown>)(...args)
  const [first] = args
  if (name === 'topic') return topicMessage(log, String(first))
  if (name === 'forget') return producers.forget(String(first))
  throw new MillraceError('MR_INTERNAL', `there is no call ${name}`)
}

export function topicMessage(log: LocalLog, name: string): TopicMessage | undefined {
  const topic = log.topic(name)
  return topic && { name, id: topic.id, partitions: topic.partitions.length, configs: topic.configs }
}
