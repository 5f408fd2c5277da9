import { MillraceError } from '../../../errors/millrace-error.ts'
import { knownTopic } from '../../../log/known-topics.ts'
import type { Log, TopicDescription } from '../../../log/log.ts'
import { systemClock } from '../../../platform/clock.ts'
import type { Rights } from '../../access/role.ts'
import type { Served } from '../../http/route.ts'
import { isInternal, ownTopics, type OwnTopic } from './own-topics.ts'

/** ms for which it is not asked again what a topic is. */
const FRESH = 1000

/** A broker would refuse an impossible name instead of saying that there is no such topic. */
const POSSIBLE = /^[\w.-]{1,249}$/

interface Known {
  readonly topic: TopicDescription
  /** Monotonic time at which it was asked. */
  readonly since: number
}

/** The topics of the log, as far as requests may see them. */
export class TopicsOfLog {
  readonly log: Log
  readonly own: ReadonlyMap<string, OwnTopic>
  readonly #writable: ReadonlySet<string>
  readonly #known = new Map<string, Known>()

  constructor({ streams, writableTopics }: Served) {
    this.log = streams.log
    this.own = ownTopics(streams)
    this.#writable = writableTopics
  }

  /** True for changelogs and repartition topics, of whichever application, and for topics of the brokers. */
  isInternal(name: string): boolean {
    return isInternal(name, this.own)
  }

  mayRead(name: string, rights: Rights): boolean {
    if (rights.may('topics.read')) return true
    const own = this.own.get(name)
    // What was put aside has a role of its own.
    return own !== undefined && own.kind !== 'dead-letters' && rights.may('read')
  }

  mayWrite(name: string, rights: Rights): boolean {
    if (this.isInternal(name)) return false
    if (rights.may('topics.write')) return true
    return this.#writable.has(name) && (rights.isAnonymous || rights.may('write'))
  }

  /** Returns a topic that may be read. @throws MR_SERVER_ROLE, MR_TOPIC_UNKNOWN */
  readable(name: string, rights: Rights): Promise<TopicDescription> {
    if (!this.mayRead(name, rights)) throw unreadable(name, this.own.has(name))
    return this.#found(name)
  }

  /** Returns a topic that may be written. @throws MR_SERVER_TOPIC, MR_SERVER_ROLE, MR_TOPIC_UNKNOWN */
  writable(name: string, rights: Rights): Promise<TopicDescription> {
    if (this.isInternal(name)) {
      throw new MillraceError('MR_SERVER_TOPIC', 'internal topics are not written through HTTP', {
        topic: name,
        hint: 'Changelogs and repartition topics belong to their application: write to a topic that it reads.',
      })
    }
    if (!this.mayWrite(name, rights)) throw unwritable(name)
    return this.#found(name)
  }

  /** Returns the names of all topics that may be read, but those of the brokers. */
  async names(rights: Rights): Promise<readonly string[]> {
    const names = await this.log.listTopics()
    return names.filter((name) => !name.startsWith('__') && this.mayRead(name, rights))
  }

  async #found(name: string): Promise<TopicDescription> {
    if (!POSSIBLE.test(name)) {
      throw new MillraceError('MR_TOPIC_INVALID', `no topic can have the name ${JSON.stringify(name)}`, {
        hint: 'A name has 1 to 249 letters, digits, dots, underscores and hyphens.',
      })
    }
    const now = systemClock.monotonic()
    const known = this.#known.get(name)
    if (known !== undefined && now - known.since < FRESH) return known.topic
    this.#known.delete(name)
    const topic = await knownTopic(this.log, name)
    this.#known.set(name, { topic, since: now })
    return topic
  }
}

function unreadable(topic: string, isOwn: boolean): MillraceError {
  return new MillraceError('MR_SERVER_ROLE', 'the topic may not be read: this needs the role topics.read', {
    topic,
    hint: `Send a token with that role.${isOwn ? '' : " Without it, only the application's own topics are read."}`,
  })
}

function unwritable(topic: string): MillraceError {
  return new MillraceError('MR_SERVER_ROLE', 'the topic may not be written: this needs the role topics.write', {
    topic,
    hint: 'Send a token with that role, or name the topic in writableTopics of serve() or by --http-write.',
  })
}
