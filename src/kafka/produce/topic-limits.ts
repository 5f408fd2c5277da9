import { describeConfigs, type ConfigCluster } from '../admin/admin-configs.ts'

/** Time in ms for which a topic's bound is believed: it may be raised while an application runs. */
const BELIEVED_FOR = 5_000

/** Bounds of topics (`max.message.bytes`), asked for when a batch may be larger. If unknown, the brokers decide. */
export class TopicLimits {
  readonly #cluster: ConfigCluster
  readonly #known = new Map<string, { readonly bytes: number; readonly since: number }>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(cluster: ConfigCluster) {
    this.#cluster = cluster
  }

  /** Returns the bound of a compressed batch: Infinity if it stays unknown, `undefined` if it must be asked for. */
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
      // The request needs the permission DescribeConfigs, which producing does not.
    }
    this.#known.set(topic, { bytes, since: this.#now() })
  }

  #now(): number {
    return this.#cluster.options.clock.monotonic()
  }
}
