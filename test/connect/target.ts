import type { Topic } from 'millrace'
import { defineSink, type Connector, type NextOffset, type OpenSink, type SinkConfig } from 'millrace/connect'

/** A system that a sink writes to: rows and offsets, changed together. Each `open` raises the epoch. */
export class Target {
  readonly rows: string[] = []
  readonly #offsets = new Map<string, NextOffset>()
  #epoch = 0
  /** Called before rows are written: may throw, as a system that is away. */
  before: (rows: readonly string[]) => void = () => {}
  /** Called after rows were written, whose answer is then lost if it throws. */
  after: (rows: readonly string[]) => void = () => {}

  /** Rows, sorted. */
  get sorted(): readonly string[] {
    return this.rows.toSorted()
  }

  open(partitions: readonly { readonly topic: string; readonly partition: number }[]): {
    readonly epoch: number
    readonly offsets: readonly NextOffset[]
  } {
    const offsets = partitions.flatMap(({ topic, partition }) => this.#offsets.get(`${topic}/${partition}`) ?? [])
    return { epoch: ++this.#epoch, offsets }
  }

  /** @param epoch that of `open`: a later one refuses the rows */
  write(epoch: number, rows: readonly string[], offsets: readonly NextOffset[]): void {
    this.before(rows)
    if (epoch !== this.#epoch) throw new Error(`epoch ${epoch} is over, it is ${this.#epoch} now`)
    this.rows.push(...rows)
    for (const next of offsets) this.#offsets.set(`${next.topic}/${next.partition}`, next)
    this.after(rows)
  }
}

type Parts = Partial<Omit<SinkConfig<string, string>, 'open' | 'write' | 'topics'>>

/** A sink whose target keeps the offsets. */
export function targetSink(target: Target, from: Topic<string, string>, parts: Parts = {}): Connector {
  return defineSink<string, string>({
    name: 'target',
    guarantee: 'exactly-once',
    retry: { backoff: 1, maxBackoff: 5 },
    commitInterval: 5,
    maxRecords: 3,
    ...parts,
    topics: [from],
    open({ partitions }): OpenSink<string, string> {
      const { epoch, offsets } = target.open(partitions)
      return {
        offsets,
        write: ({ records, offsets: next }) =>
          target.write(
            epoch,
            records.map(({ value }) => value!),
            next,
          ),
      }
    },
  })
}
