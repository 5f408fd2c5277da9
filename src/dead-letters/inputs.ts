import type { Application } from '../application/application.ts'
import type { Serde } from '../serde/serde.ts'
import { internalTopicName } from '../topology/internal-topic-names.ts'

/** A topic that an application reads. */
export interface InputTopic {
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  /** True for repartition topics, whose format is Millrace's own. */
  readonly internal: boolean
}

/** Returns all topics that an application reads, by their names on the log. @throws MR_TOPOLOGY… */
export function inputsOf(app: Application): ReadonlyMap<string, InputTopic> {
  const inputs = new Map<string, InputTopic>()
  for (const { nodes } of app.topology().subtopologies) {
    for (const node of nodes) {
      if (node.kind !== 'source') continue
      const { keySerde, valueSerde, internal } = node
      for (const topic of node.topics) {
        const name = internal ? internalTopicName(app.id, topic) : topic
        if (!inputs.has(name)) inputs.set(name, { keySerde, valueSerde, internal })
      }
    }
  }
  return inputs
}
