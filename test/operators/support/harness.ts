import { createOperator } from '../../../src/operators/create/create-operator.ts'
import type { Operator, OperatorContext, Output } from '../../../src/operators/operator.ts'
import type { DropReason } from '../../../src/record/drop-reason.ts'
import { Change } from '../../../src/record/change.ts'
import { Headers } from '../../../src/record/headers.ts'
import { RecordContext } from '../../../src/record/record-context.ts'
import type { StateStore } from '../../../src/state/states.ts'
import type { OperatorSpec } from '../../../src/topology/operator-spec.ts'
import { Windowed } from '../../../src/windowing/windows.ts'

/** Operators by name, each with the names of its children; names without an operator are where results are read. */
export type Nodes = Readonly<Record<string, readonly [spec: OperatorSpec, ...children: string[]]>>

export interface HarnessOptions {
  readonly compatible?: boolean
  readonly mayContinue?: boolean
  /** Times kept by an earlier run. */
  readonly savedTimes?: ReadonlyMap<string, number>
}

interface Punctuation {
  readonly punctuate: (timestamp: number) => void
  readonly interval: number
  readonly type: string
  readonly start: number | undefined
}

/** Runs operators as a task does, over the states it is given. */
export class Harness {
  readonly drops: DropReason[] = []
  readonly savedTimes: Map<string, number>
  readonly punctuations: Punctuation[] = []
  readonly record = new RecordContext()
  streamTime = -1
  commits = 0
  readonly #operators = new Map<string, Operator>()
  readonly #stores = new Map<string, StateStore>()
  #results: string[] = []

  constructor(nodes: Nodes, stores: readonly StateStore[] = [], options: HarnessOptions = {}) {
    this.savedTimes = new Map(options.savedTimes)
    for (const store of stores) this.#stores.set(store.name, store)
    for (const [name, [spec]] of Object.entries(nodes)) this.#operators.set(name, createOperator(spec))
    for (const [name, [, ...children]] of Object.entries(nodes)) {
      const operator = this.node(name)
      operator.output = this.#output(children)
      operator.context = this.#context(name, options)
    }
    for (const operator of this.#operators.values()) operator.init()
  }

  node(name: string): Operator {
    const operator = this.#operators.get(name)
    if (operator === undefined) throw new Error(`no node ${name}`)
    return operator
  }

  /** Feeds a record; returns what came out, as in `a[0,10)=x@3`. */
  pipe(node: string, key: unknown, value: unknown, timestamp: number, headers = new Headers()): string[] {
    this.streamTime = Math.max(this.streamTime, timestamp)
    this.record.set('in', 0, this.record.offset + 1, timestamp, headers)
    this.node(node).process(key, value, timestamp, headers)
    return this.take()
  }

  flush(): string[] {
    for (const store of this.#stores.values()) store.flushCache()
    return this.take()
  }

  punctuate(timestamp: number): string[] {
    this.record.set(null, -1, -1, timestamp, new Headers())
    for (const { punctuate } of this.punctuations) punctuate(timestamp)
    return this.take()
  }

  take(): string[] {
    const results = this.#results
    this.#results = []
    return results
  }

  #output(children: readonly string[]): Output {
    const forwardTo = (child: string, key: unknown, value: unknown, timestamp: number, headers: Headers): void => {
      const operator = this.#operators.get(child)
      if (operator === undefined) this.#results.push(show(child, key, value, timestamp, headers))
      else operator.process(key, value, timestamp, headers)
    }
    return {
      forwardTo,
      forward(key, value, timestamp, headers) {
        for (const child of children) forwardTo(child, key, value, timestamp, headers)
      },
    }
  }

  #context(node: string, options: HarnessOptions): OperatorContext {
    return {
      node,
      applicationId: 'app',
      taskId: '0_0',
      partition: 0,
      record: this.record,
      compatible: options.compatible ?? false,
      mayContinue: options.mayContinue ?? false,
      state: <S extends StateStore>(name: string): S => {
        const store = this.#stores.get(name)
        if (store === undefined) throw new Error(`no store ${name}`)
        return store as S
      },
      userStore: (name) => this.#stores.get(name),
      streamTime: () => this.streamTime,
      now: () => 1_000_000,
      schedule: (interval, type, punctuate, start) => {
        this.punctuations.push({ punctuate, interval, type, start })
        return { cancel() {} }
      },
      requestCommit: () => {
        this.commits++
      },
      get calls(): never {
        throw new Error('the harness has no calls')
      },
      drop: (reason) => {
        this.drops.push(reason)
      },
      savedTime: (key) => this.savedTimes.get(key),
      saveTime: (key, time) => {
        this.savedTimes.set(key, time)
      },
      forgetTime: (key) => {
        this.savedTimes.delete(key)
      },
    }
  }
}

/** Leaves out the child `out`; a Change shows its old value if it has one: `k=new<old@ts`. */
function show(child: string, key: unknown, value: unknown, timestamp: number, headers: Headers): string {
  const names = [...headers].map(({ name }) => name).join(',')
  const to = child === 'out' ? '' : `${child}:`
  return `${to}${text(key)}=${text(value)}@${timestamp}${names === '' ? '' : ` h=${names}`}`
}

function text(value: unknown): string {
  if (value instanceof Windowed) return `${text(value.key)}[${value.start},${value.end}]`
  if (value instanceof Change) {
    const old = value.oldValue === null ? '' : `<${text(value.oldValue)}`
    return `${text(value.newValue)}${old}${value.isLatest ? '' : '!'}`
  }
  if (value === null) return '∅'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
