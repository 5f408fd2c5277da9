import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { string, topic, type Logger } from 'millrace'
import { defineConnectors, defineSink, defineSource, type Connectors } from 'millrace/connect'
import { Table } from './table.ts'

/** The systems that are read and written, and the names of what is between them. */
export interface System {
  readonly directory: string
  readonly id: string
}

/** Source partitions, more than there are tasks. */
export const FEEDS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
export const TASKS = 2
export const PARTITIONS = 4
/** Records of one batch of the source. */
const PAGE = 20

export function numbersTopic({ id }: System) {
  return topic(`${id}-numbers`, { key: string(), value: string() })
}

/** File with the number of items that each feed has. */
export function countFile({ directory }: System): string {
  return join(directory, 'count')
}

export function tableFile({ directory }: System): string {
  return join(directory, 'table.db')
}

/** While this file exists the table has no room. */
export function fullFile({ directory }: System): string {
  return join(directory, 'full')
}

/** Numbered items of feeds, into a topic, into a table. */
export function numberConnectors(system: System, logger: Logger): Connectors {
  const numbers = numbersTopic(system)
  const retry = { backoff: 50, maxBackoff: 500, timeout: '2m' } as const
  const source = defineSource({
    name: 'source',
    topic: numbers,
    topicOptions: { partitions: PARTITIONS },
    tasks: TASKS,
    start: { next: 0 },
    partitions: () => FEEDS,
    pollInterval: 20,
    retry,
    async *read({ partition, position }) {
      const count = Number(readFileSync(countFile(system), 'utf8'))
      for (let { next } = position; next < count;) {
        const values = Array.from(
          { length: Math.min(PAGE, count - next) },
          (_, index) => `${partition} ${next + index}`,
        )
        next += values.length
        yield { records: values.map((value) => ({ key: partition, value })), position: { next } }
      }
    },
  })
  const sink = defineSink<string, string>({
    name: 'sink',
    topics: [numbers],
    guarantee: 'exactly-once',
    maxRecords: 50,
    retry,
    open({ partitions }) {
      const table = new Table(tableFile(system), fullFile(system))
      const { epochs, offsets } = table.claim(partitions)
      return {
        offsets,
        write: ({ records, offsets: next }) =>
          table.write(
            epochs,
            records.map(({ value }) => value!),
            next,
          ),
        close: () => table.close(),
      }
    },
  })
  return defineConnectors({ id: system.id, connectors: [source, sink], logger })
}
