import type { Settings } from '../../application/application.ts'
import type { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Topology } from '../../topology/topology.ts'
import { readsTopic } from '../restore/start-offsets.ts'
import type { ThreadSigns } from './thread-signs.ts'

export interface WaitingOptions {
  /** The name of the thread. */
  readonly name: string
  readonly topology: Topology
  readonly settings: Settings
  readonly clock: Clock
  readonly signs: ThreadSigns
}

const TOPIC_MISSING = 'waiting for a topic that was deleted to be created again'
/** Codes for which the group may not let a member in, and that pass. */
const passing: ReadonlyMap<string, string> = new Map([
  ['MR_TOPOLOGY_CHANGED', 'waiting for the instances of another topology to stop'],
  ['MR_GROUP_PROTOCOL', 'waiting for members of another kind to stop, or for their sessions to end'],
  ['MR_TOPIC_UNKNOWN', TOPIC_MISSING],
])

/** What a thread cannot have tasks without: others must leave its group, or a topic must be there again. */
export class Waiting {
  readonly #options: WaitingOptions
  /** What the group cannot assign anything without, and since when. */
  #group: { readonly error: MillraceError; readonly since: number } | undefined
  /** Since when tasks cannot be opened because a topic is missing. */
  #missingSince = -1
  /** The topic that was warned of last, unless it is known to be there again. */
  #missingTopic: string | undefined

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  /**
   * The group assigns nothing. Warns once: without an end here, it would be waited for in silence.
   *
   * @throws the error, unless it is of a kind that passes
   */
  forGroup(error: MillraceError): void {
    const reason = passing.get(error.code)
    const isTopic = error.code === 'MR_TOPIC_UNKNOWN'
    const { name: thread, clock, settings, signs } = this.#options
    // A topic that has never been there is more likely a mistyped name than one that is yet to come.
    if (reason === undefined || (isTopic && !signs.hasJoined)) throw error
    if (isTopic) this.#warnOfTopic(error)
    else settings.logger.warn({ thread, upTo: settings.taskTimeout, err: error }, reason)
    this.#group = { error, since: this.#group?.since ?? clock.monotonic() }
  }

  /** True if it is about an input topic that was there, and that nobody has waited for long enough. */
  mayComeBack(error: MillraceError): boolean {
    const { signs, topology } = this.#options
    if (error.code !== 'MR_TOPIC_UNKNOWN' || !signs.hasJoined || error === this.#group?.error) return false
    return readsTopic(topology, error.topic)
  }

  /** An input topic is missing, and tasks cannot be opened. @throws the error once that has been so for long */
  forTopic(error: MillraceError): void {
    const { clock, settings } = this.#options
    const now = clock.monotonic()
    if (this.#missingSince < 0) this.#missingSince = now
    if (now - this.#missingSince > settings.taskTimeout) throw error
    this.#warnOfTopic(error)
  }

  /** @throws the error of what the group has been waiting for too long */
  check(): void {
    const { clock, settings } = this.#options
    if (this.#group === undefined || clock.monotonic() - this.#group.since <= settings.taskTimeout) return
    throw this.#group.error
  }

  /** The group has assigned so many tasks. */
  assigned(tasks: number): void {
    // While topics are missing nobody has tasks. A member that waited for others is in the group now.
    if (tasks > 0 || this.#group?.error.code !== 'MR_TOPIC_UNKNOWN') this.#group = undefined
    this.#missingSince = -1
  }

  /** Tasks were opened again. */
  opened(): void {
    this.#missingSince = -1
    this.#topicIsThere()
  }

  /** The group has what it waited for. */
  resumed(): void {
    this.#topicIsThere()
    if (this.#group === undefined) return
    const isTopic = this.#group.error.code === 'MR_TOPIC_UNKNOWN'
    this.#group = undefined
    const { name: thread, settings } = this.#options
    if (!isTopic) settings.logger.warn({ thread }, 'what the group waited for is over')
  }

  #topicIsThere(): void {
    const { name: thread, settings } = this.#options
    if (this.#missingTopic !== undefined) {
      settings.logger.warn({ thread, topic: this.#missingTopic }, 'the topic that was deleted is there again')
    }
    this.#missingTopic = undefined
  }

  /** Warns once for each time that the topic is missing. */
  #warnOfTopic(error: MillraceError): void {
    const { name: thread, settings } = this.#options
    const { topic } = error
    if (this.#missingTopic === topic) return
    this.#missingTopic = topic
    settings.logger.warn({ thread, topic, upTo: settings.taskTimeout, err: error }, TOPIC_MISSING)
  }
}
