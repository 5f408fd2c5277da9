import { Arrivals } from '../log/arrivals.ts'
import type { Log, LogReader, RecordCursor } from '../log/log.ts'
import { appendOne } from './append-one.ts'

/** The topic by which instances learn which connectors are paused: key a connector, value `paused`, or null. */
function controlsTopic(id: string): string {
  return `${id}-connectors`
}

const PAUSED = Buffer.from('paused')

/** Pauses a connector of a definition in all instances, for good, or lets it go on. */
export async function setPaused(log: Log, id: string, name: string, isPaused: boolean): Promise<void> {
  await createControls(log, id)
  await appendOne(log, controlsTopic(id), 0, name, isPaused ? PAUSED : null)
}

/** Returns the names of the connectors that are paused. */
export async function pausedConnectors(log: Log, id: string): Promise<ReadonlySet<string>> {
  if (!(await log.describeTopics([controlsTopic(id)])).has(controlsTopic(id))) return new Set()
  const controls = await Controls.follow(log, id, () => {})
  await controls.close()
  return controls.paused
}

async function createControls(log: Log, id: string): Promise<void> {
  const configs = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576' }
  await log.createTopics([{ name: controlsTopic(id), partitions: 1, configs }])
}

/** What is paused, followed as it changes. */
export class Controls {
  readonly paused = new Set<string>()
  readonly #reader: LogReader
  readonly #arrivals: Arrivals
  readonly #onChange: () => void
  #isClosed = false

  private constructor(reader: LogReader, onChange: () => void) {
    this.#reader = reader
    this.#arrivals = new Arrivals(reader)
    this.#onChange = onChange
  }

  /** Resolves when everything is known that was written before. */
  static async follow(log: Log, id: string, onChange: () => void): Promise<Controls> {
    await createControls(log, id)
    const topic = controlsTopic(id)
    const partition = [{ topic, partition: 0 }]
    const first = (await log.listOffsets(partition, 'earliest')).get(topic, 0) ?? 0
    const end = (await log.listOffsets(partition, 'latest')).get(topic, 0) ?? 0
    const reader = log.openReader()
    reader.assign(topic, 0, first)
    const controls = new Controls(reader, onChange)
    while ((reader.position(topic, 0) ?? end) < end) if (!controls.#poll()) await controls.#arrivals.next
    return controls
  }

  /** Goes on until it is closed. @throws what the log fails with */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#poll()) this.#onChange()
      else await this.#arrivals.next
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#arrivals.wake()
    await this.#reader.close()
  }

  #poll(): boolean {
    if (this.#isClosed) return false
    return this.#arrivals.poll((_topic, _partition, cursor) => this.#take(cursor)) > 0
  }

  #take(cursor: RecordCursor): void {
    while (cursor.next()) {
      const name = cursor.buffer.toString('utf8', Math.max(0, cursor.keyStart), cursor.keyEnd)
      if (cursor.valueStart < 0) this.paused.delete(name)
      else this.paused.add(name)
    }
  }
}
