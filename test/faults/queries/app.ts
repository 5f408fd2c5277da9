import { defineApp, long, storeRef, string, topic } from 'millrace'
import type { Application } from 'millrace'

export const PARTITIONS = 6
/** The environment variable with the token by which instances ask each other. */
export const PEER_TOKEN = 'MILLRACE_ROUND_PEER_TOKEN'

/** The application that is asked, and how it runs. */
export interface AskedSettings {
  /** The prefix of all names: rounds can share brokers. */
  readonly prefix: string
  readonly standbyReplicas: number
  /** Threads of each process; several are workers. */
  readonly threads: number
}

/** The stores that are asked, each with the number of its sub-topology. */
export const STORES = [
  /** Records of a word. Its tasks read the input, so that a position says exactly what the counts are. */
  { name: 'counts', subtopology: 0 },
  /** The same behind a repartition topic, by the mirrored word. */
  { name: 'mirrored', subtopology: 1 },
] as const
export type StoreName = (typeof STORES)[number]['name']

export function wordsTopic(prefix: string) {
  return topic(`${prefix}words`, { key: string(), value: string() })
}

/** `k00017` becomes `71000k`: the same word is in another partition, and its prefix is another one. */
export function mirror(word: string): string {
  return [...word].reverse().join('')
}

export function askedApp({ prefix, standbyReplicas, threads }: AskedSettings): Application {
  const ref = (name: StoreName) => storeRef(name, { key: string(), value: long() })
  return defineApp({
    id: `${prefix}asked`,
    guarantee: 'exactly_once',
    standbyReplicas,
    threads,
    commitInterval: '100ms',
    build: (builder) => {
      const words = builder.stream(wordsTopic(prefix))
      words.groupByKey().count({ store: ref('counts') })
      words
        .selectKey((_value, word) => mirror(word))
        .groupByKey({ name: 'mirrors', key: string(), value: string() })
        .count({ store: ref('mirrored') })
    },
  })
}
