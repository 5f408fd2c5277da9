import { describeConfigs } from '../admin/admin-configs.ts'
import type { ConfigCluster } from '../admin/admin-configs.ts'

/** ms for which what a broker said of a topic's bound is believed: it may be raised while an application runs. */
const BELIEVED_FOR = 5_000

/** `max.message.bytes` of topics, asked for where something may be larger. Who may not ask leaves it to the broker to refuse. */
export class TopicLimits {
  readonly #cluster: ConfigCluster
  readonly #known = new Map<string, { readonly bytes: number; readonly since: number }>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(cluster: ConfigCluster) {
    this.#cluster = cluster
  }

  /** Bytes that a batch may have, compressed; Infinity: nobody says; undefined: to be asked for, again if need be. */
  get(topic: string): number | undefined {
    const known = this.#known.get(topic)
    return known === undefined || this.#now() - known.since > BELIEVED_FOR ? undefined : known.bytes
  }

  ask(topic: string): Promise<void> {
    let asking = this.#asking.get(topic)
    if (asking === undefined) {
      asking = this.#ask(topic).finally(() => this.#asking.delete(topic))
      this.#asking.set(topic, asking)
    }
    return asking
  }

  async #ask(topic: string): Promise<void> {
    let bytes = Number.POSITIVE_INFINITY
    try {
      const configs = await describeConfigs(this.#cluster, 'topic', topic)
      const said = Number(configs.get('max.message.bytes') ?? Number.NaN)
      if (said > 0) bytes = said
    } catch {
      // It takes the permission DescribeConfigs, which producing does not.
    }
    this.#known.set(topic, { bytes, since: this.#now() })
  }

  #now(): number {
    return this.#cluster.options.clock.monotonic()
  }
}
