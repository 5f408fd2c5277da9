import type { DataType } from '../conformance/expressions.ts'
import type { Step, WindowsStep } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'
import type { Flavour } from './generated-case.ts'

/** A stream or table of the topology so far. */
export interface Part {
  readonly id: string
  readonly kind: 'stream' | 'table' | 'globalTable'
  readonly key: DataType
  readonly value: DataType
  /** Windows of the aggregation that made a table, as long as only table operators followed. */
  readonly windows?: WindowsStep
  /** Whether the table has a versioned store. */
  readonly versioned?: boolean
  /** Name of the table's key-value store with timestamps. */
  readonly store?: string
  /** Whether records may be in another partition than that of their key. */
  readonly rekeyed?: boolean
  /** Whether it or one of its ancestors came out of a table. */
  readonly afterTable?: boolean
  /** Whether only a sink may follow. */
  readonly isEnd?: boolean
  /** Ids of the sources that it comes from. */
  readonly sources?: readonly string[]
}

/** The grace under `spread`: so long that no window closes within any input. */
const FOREVER = 1_000_000

/** A topology in the making: its parts so far, and the choices that all operators share. */
export class TopologyDraft {
  readonly random: Random
  readonly flavour: Flavour
  readonly unit: number
  readonly steps: Step[] = []
  readonly parts: Part[] = []
  readonly #used = new Set<string>()
  #names = 0

  constructor(random: Random, flavour: Flavour, unit: number) {
    this.random = random
    this.flavour = flavour
    this.unit = unit
  }

  id(): string {
    return `s${this.steps.length + 1}`
  }

  newStoreName(): string {
    return `store${++this.#names}`
  }

  /** Adds a step that makes a stream or table. */
  add(step: Omit<Step, 'id'>, part: Omit<Part, 'id'>, from: readonly Part[]): void {
    const id = this.id()
    this.steps.push({ id, ...step })
    const sources = from.length === 0 ? [id] : [...new Set(from.flatMap((part) => part.sources ?? []))]
    this.parts.push({ sources, ...part, id })
    for (const { id: used } of from) this.#used.add(used)
  }

  /** Adds a step whose result only the next steps use, such as a grouping. */
  addInner(step: Omit<Step, 'id'>, from: Part | undefined): string {
    const id = this.id()
    this.steps.push({ id, ...step })
    if (from !== undefined) this.#used.add(from.id)
    return id
  }

  pick(accepts: (part: Part) => boolean): Part | undefined {
    const accepted = this.parts.filter((part) => part.isEnd !== true && accepts(part))
    return accepted.length === 0 ? undefined : this.random.pick(accepted)
  }

  addSource(): void {
    const { random } = this
    const n = this.steps.length
    const topic = `in${n + 1}`
    const value = random.chance(0.35) ? 'long' : 'string'
    const key = random.chance(0.1) ? 'long' : 'string'
    const draw = random.next()
    if (draw < 0.5) {
      const topics = random.chance(0.1) && this.flavour !== 'ordered' ? { topics: [topic, `${topic}b`] } : { topic }
      this.add({ op: 'stream', ...topics, key, value }, { kind: 'stream', key, value }, [])
    } else if (draw < 0.9) {
      const mayBeVersioned = key === 'string' && this.flavour !== 'tables' && this.flavour !== 'spread'
      const versioned = mayBeVersioned && random.chance(0.15)
      const store = versioned || random.chance(0.6) ? { store: this.newStoreName() } : {}
      const stored = versioned
        ? { ...store, historyMs: (20 + random.below(200)) * this.unit }
        : { ...store, ...this.storeOptions() }
      const plain = versioned ? {} : store
      this.add({ op: 'table', topic, key, value, ...stored }, { kind: 'table', key, value, versioned, ...plain }, [])
    } else {
      this.add(
        { op: 'globalTable', topic, key, value, store: this.newStoreName() },
        { kind: 'globalTable', key, value },
        [],
      )
      if (this.parts.every(({ kind }) => kind === 'globalTable')) this.addSource()
    }
  }

  /** Draws the options of a store other than its name. */
  storeOptions(): Pick<Step, 'caching' | 'storeType'> {
    const { random } = this
    return {
      ...(random.chance(0.2) ? { caching: random.chance(0.5) } : {}),
      ...(random.chance(0.2) ? { storeType: 'inMemory' as const } : {}),
    }
  }

  /** Draws the options of a store, with or without a name. */
  materialization(): Pick<Step, 'store' | 'caching' | 'storeType'> {
    return { ...(this.random.chance(0.5) ? { store: this.newStoreName() } : {}), ...this.storeOptions() }
  }

  span(low: number, high: number): number {
    return (low + this.random.below(high - low + 1)) * this.unit
  }

  grace(): number {
    if (this.flavour === 'spread') return FOREVER * this.unit
    return this.random.chance(0.4) ? 0 : this.span(1, 30)
  }

  windows(): WindowsStep {
    const { random } = this
    switch (random.below(this.flavour === 'spread' ? 5 : 9)) {
      case 0:
        return { type: 'tumbling', sizeMs: this.span(3, 20), graceMs: this.grace() }
      case 1: {
        const sizeMs = this.span(4, 20)
        return {
          type: 'hopping',
          sizeMs,
          advanceMs: Math.max(1, Math.ceil(sizeMs / (1 + random.below(4)))),
          graceMs: this.grace(),
        }
      }
      case 2:
        return { type: 'sliding', diffMs: this.span(0, 15), graceMs: this.grace() }
      case 3:
        return { type: 'session', gapMs: this.span(1, 12), graceMs: this.grace() }
      case 4:
        return { type: 'unlimited', startMs: this.span(0, 10) }
      case 5:
      case 6:
        return { type: 'tumbling', sizeMs: this.span(3, 20), graceMs: this.grace() }
      case 7:
        return { type: 'sliding', diffMs: this.span(1, 15), graceMs: this.grace() }
      default:
        return { type: 'session', gapMs: this.span(1, 12), graceMs: this.grace() }
    }
  }

  addSinks(): void {
    let outputs = 0
    for (const part of [...this.parts]) {
      if (part.kind === 'globalTable' || (this.#used.has(part.id) && !this.random.chance(0.15))) continue
      if (this.flavour === 'tables' && part.kind === 'stream') continue
      const from = part.kind === 'stream' ? part.id : this.addInner({ op: 'toStream', from: part.id }, part)
      this.addInner({ op: 'to', from, topic: `out${++outputs}` }, part)
    }
  }
}

export const isSimple = (type: DataType): type is 'string' | 'long' => type === 'string' || type === 'long'
