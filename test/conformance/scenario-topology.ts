import { defineApp, long } from '../../src/index.ts'
import type {
  AppConfig,
  Application,
  KStream,
  KTable,
  Materialize,
  StoreSpec,
  StreamsBuilder,
  WindowStoreOptions,
} from '../../src/index.ts'
import { aggregator, expression, merger, reducer, show } from './expressions.ts'
import type { DataType, Expression } from './expressions.ts'
import { behaviourOf, fixedKeyProcessorSupplier, processorSupplier } from './processors.ts'
import type { Scalar, Scenario, Step } from './scenario.ts'
import { scriptStore } from './scripted-stores.ts'
import { callStep, type AnswerCall } from './step-calls.ts'
import { joinSteps } from './step-joins.ts'
import {
  folding,
  materialize,
  materializeWindows,
  named,
  partitionerOf,
  plainStore,
  scenarioTopic,
  serdes,
  suppressed,
  topicChooser,
  windowedType,
  windowsOf,
} from './step-options.ts'
import { splitStep } from './step-split.ts'
import { addGlobalStore, countingTransformer } from './step-stores.ts'
import type { Cogrouped, Grouped, GroupedTable, Result, Types } from './step-result.ts'

/**
 * Builds the application of a scenario through the public API; by default it has the results of Kafka Streams. With
 * `answer` the steps that have `calls` are asynchronous.
 */
export function scenarioApp(
  { config, topology }: Pick<Scenario, 'config' | 'topology'>,
  settings: Partial<Omit<AppConfig, 'id' | 'build'>> = { compatibility: 'kafka-streams-4.3' },
  answer?: AnswerCall,
): Application {
  return defineApp({
    id: 'app',
    cacheBytes: config.cacheMaxBytes ?? 0,
    optimize: optimizations(config.optimize ?? 'none'),
    onDeserializationError: config.deserializationHandler ?? 'fail',
    onProcessingError: config.processingHandler ?? 'fail',
    ...settings,
    build(builder) {
      const steps = new ScenarioSteps(builder, answer)
      for (const step of topology) steps.add(step)
    },
  })
}

class ScenarioSteps {
  readonly #builder: StreamsBuilder
  readonly #answer: AnswerCall | undefined
  readonly #results = new Map<string, Result>()
  readonly #tableStores = new Set<string>()
  readonly #globalStores = new Set<string>()
  readonly #addedStores = new Set<string>()

  constructor(builder: StreamsBuilder, answer: AnswerCall | undefined) {
    this.#builder = builder
    this.#answer = answer
  }

  add(step: Step): void {
    const result = this.#run(step)
    if (result !== undefined) this.#results.set(step.id, result)
  }

  #run(step: Step): Result | undefined {
    switch (step.op) {
      case 'stream':
      case 'table':
      case 'globalTable':
        return this.#source(step)
      case 'globalStore':
        this.#globalStores.add(step.store ?? '')
        addGlobalStore(this.#builder, step)
        return undefined
      case 'cogroup':
        return this.#cogroup(step)
      case 'merge':
        return this.#merge(step)
      case 'join':
      case 'leftJoin':
      case 'outerJoin':
        this.#rememberTableStore(step)
        return joinSteps(step, this.#get(String(step.from)), this.#get(String(step.with)))
    }
    const from = this.#get(String(step.from))
    switch (from.kind) {
      case 'stream':
        return this.#onStream(step, from.stream, from)
      case 'table':
        return this.#onTable(step, from.table, from)
      case 'globalTable':
        throw new Error(`${step.op} on a global table`)
      case 'groupedTable':
        return this.#onGroupedTable(step, from.group, from)
      case 'group':
        return step.op === 'windowedBy' ? windowGroup(step, from.group, from) : this.#onGroup(step, from.group, from)
      case 'cogroup':
        return step.op === 'windowedBy'
          ? windowCogroup(step, from.group, from)
          : this.#onCogroup(step, from.group, from)
      default:
        return this.#onWindows(step, from)
    }
  }

  #get(id: string): Result {
    const result = this.#results.get(id)
    if (result === undefined) throw new Error(`there is no step ${id}`)
    return result
  }

  #stream(id: string): KStream<unknown, unknown> {
    const result = this.#get(id)
    if (result.kind !== 'stream') throw new Error(`${id} is no stream`)
    return result.stream
  }

  #source(step: Step): Result {
    const types = { key: step.key ?? 'string', value: step.value ?? 'string' } satisfies Types
    const topics = (step.topics ?? [step.topic ?? '']).map((name) => scenarioTopic(name, types, step.timestamps))
    const [first] = topics
    if (first === undefined) throw new Error(`${step.id} has no topic`)
    if (step.op === 'stream') return { kind: 'stream', ...types, stream: this.#builder.stream(topics, named(step)) }
    const options = { ...named(step), ...materialize(step, types, false) }
    if (step.store !== undefined) (step.op === 'table' ? this.#tableStores : this.#globalStores).add(step.store)
    return step.op === 'table'
      ? { kind: 'table', ...types, table: this.#builder.table(first, options) }
      : { kind: 'globalTable', ...types, table: this.#builder.globalTable(first, options) }
  }

  #merge(step: Step): Result {
    const [first = '', ...others] = Array.isArray(step.from) ? step.from : [String(step.from)]
    const { key, value } = this.#get(first)
    let stream = this.#stream(first)
    for (const other of others) stream = stream.merge(this.#stream(other), named(step))
    return { kind: 'stream', key, value, stream }
  }

  #onStream(step: Step, stream: KStream<unknown, unknown>, types: Types): Result | undefined {
    const { key, value } = types
    const ofKeyAndValue = (text: string | undefined): Expression => expression(text ?? 'v', key, value)
    const options = named(step)
    switch (step.op) {
      case 'filter':
      case 'filterNot': {
        const { evaluate } = ofKeyAndValue(step.pred)
        const holds = (v: unknown, k: unknown): boolean => evaluate(v, k) === true
        return { kind: 'stream', key, value, stream: stream[step.op](holds, options) }
      }
      case 'mapValues': {
        const fn = ofKeyAndValue(step.fn)
        const mapped =
          this.#called(step, stream, types, { key, value: fn.type }, { value: fn }) ??
          stream.mapValues(fn.evaluate, options)
        return { kind: 'stream', key, value: fn.type, stream: mapped }
      }
      case 'map': {
        const keyFn = ofKeyAndValue(step.keyFn)
        const fn = ofKeyAndValue(step.fn)
        const made = { key: keyFn.type, value: fn.type }
        const map =
          this.#called(step, stream, types, made, { key: keyFn, value: fn }) ??
          stream.map((v, k) => [keyFn.evaluate(v, k), fn.evaluate(v, k)], options)
        return { kind: 'stream', ...made, stream: map }
      }
      case 'selectKey': {
        const keyFn = ofKeyAndValue(step.keyFn)
        return { kind: 'stream', key: keyFn.type, value, stream: stream.selectKey(keyFn.evaluate, options) }
      }
      case 'flatMap': {
        const list = ofKeyAndValue(step.list)
        const keyFn = expression(step.keyFn ?? 'k', key, elementOf(list.type))
        const fn = expression(step.fn ?? 'v', key, elementOf(list.type))
        const flat = stream.flatMap(
          (v, k) => elements(list, v, k).map((e) => [keyFn.evaluate(e, k), fn.evaluate(e, k)]),
          options,
        )
        return { kind: 'stream', key: keyFn.type, value: fn.type, stream: flat }
      }
      case 'flatMapValues': {
        const list = ofKeyAndValue(step.list)
        const made = { key, value: elementOf(list.type) }
        const flat =
          this.#called(step, stream, types, made, { value: list }) ??
          stream.flatMapValues((v, k) => elements(list, v, k), options)
        return { kind: 'stream', ...made, stream: flat }
      }
      case 'peek':
        return { kind: 'stream', key, value, stream: stream.peek(() => undefined, options) }
      case 'foreach':
        stream.forEach(() => undefined, options)
        return undefined
      case 'split':
        for (const [id, branch] of splitStep(step, stream, types)) {
          this.#results.set(id, { kind: 'stream', key, value, stream: branch })
        }
        return undefined
      case 'groupByKey':
        return { kind: 'group', key, value, group: stream.groupByKey({ ...options, ...serdes(types) }) }
      case 'groupBy': {
        const keyFn = ofKeyAndValue(step.keyFn)
        const newTypes = { key: keyFn.type, value }
        const group = stream.groupBy<unknown>(keyFn.evaluate, { ...options, ...serdes(newTypes) })
        return { kind: 'group', ...newTypes, group }
      }
      case 'toTable':
        this.#rememberTableStore(step)
        return { kind: 'table', key, value, table: stream.toTable({ ...options, ...materialize(step, types, true) }) }
      case 'repartition': {
        const partitions = step.partitions === undefined ? {} : { partitions: step.partitions }
        return {
          kind: 'stream',
          key,
          value,
          stream: stream.repartition({ ...options, ...serdes(types), ...partitions, ...partitionerOf(step) }),
        }
      }
      case 'to': {
        const sink = { ...options, ...serdes(types), ...partitionerOf(step) }
        if (step.topicBy !== undefined) stream.to(topicChooser(step.topicBy), sink)
        else if (step.topicFn === undefined) stream.to(step.topic ?? '', sink)
        else {
          const { evaluate } = ofKeyAndValue(step.topicFn)
          stream.to((v, k) => show(evaluate(v, k)), sink)
        }
        return undefined
      }
      case 'process':
      case 'processValues':
        return this.#process(step, stream, types)
      default:
        throw new Error(`unknown step ${step.op} on a stream`)
    }
  }

  /** The asynchronous form of a step; undefined if it has none here. */
  #called(
    step: Step,
    stream: KStream<unknown, unknown>,
    from: Types,
    to: Types,
    functions: Parameters<typeof callStep>[4],
  ): KStream<unknown, unknown> | undefined {
    if (this.#answer === undefined || step.calls === undefined) return undefined
    return callStep(step, stream, from, to, functions, this.#answer)
  }

  #process(step: Step, stream: KStream<unknown, unknown>, types: Types): Result {
    const behaviour = behaviourOf(step, types.key, types.value)
    const options = { ...named(step), stores: this.#storesOf(step, types, behaviour.stored) }
    const processed =
      step.op === 'process'
        ? stream.process(processorSupplier(step, behaviour), options)
        : stream.processValues(fixedKeyProcessorSupplier(step, behaviour), options)
    return { kind: 'stream', ...behaviour.types, stream: processed }
  }

  #countCalls(step: Step, uses: string, table: KTable<unknown, unknown>, fn: Expression, { key }: Types): Result {
    this.#addedStores.add(uses)
    this.#builder.addStateStore(plainStore(uses, key, 'long'))
    const types = { key, value: 'string' } as const
    const stored = materialize(step, types, false) as Materialize<unknown, string>
    const options = { ...named(step), ...stored, stores: [uses] }
    return { kind: 'table', ...types, table: table.transformValues(countingTransformer(uses, fn), options) }
  }

  #storesOf(step: Step, { key, value }: Types, stored: DataType | undefined): (string | StoreSpec)[] {
    if (step.proc === 'script') return [scriptStore(step)]
    if (step.proc === 'two') {
      return [plainStore(step.counts ?? '', key, 'long'), plainStore(step.lasts ?? '', key, value)]
    }
    const { store } = step
    if (store === undefined || this.#globalStores.has(store)) return []
    if (!this.#tableStores.has(store) && !this.#addedStores.has(store) && stored !== undefined) {
      this.#addedStores.add(store)
      this.#builder.addStateStore(plainStore(store, key, stored))
    }
    return [store]
  }

  #rememberTableStore({ store }: Step): void {
    if (store !== undefined) this.#tableStores.add(store)
  }

  #onTable(step: Step, table: KTable<unknown, unknown>, types: Types): Result {
    const { key, value } = types
    const options = named(step)
    this.#rememberTableStore(step)
    switch (step.op) {
      case 'filter':
      case 'filterNot': {
        const { evaluate } = expression(step.pred ?? 'v', key, value)
        const holds = (v: unknown, k: unknown): boolean => evaluate(v, k) === true
        const filtered = table[step.op](holds, { ...options, ...materialize(step, types, false) })
        return { kind: 'table', key, value, table: filtered }
      }
      case 'mapValues':
      case 'transformValues': {
        const fn = expression(step.fn ?? 'v', key, value)
        if (step.uses !== undefined) return this.#countCalls(step, step.uses, table, fn, types)
        const newTypes = { key, value: fn.type }
        const stored = { ...options, ...materialize(step, newTypes, false) }
        const mapped =
          step.op === 'mapValues'
            ? table.mapValues(fn.evaluate, stored)
            : table.transformValues(() => ({ transform: fn.evaluate }), stored)
        return { kind: 'table', ...newTypes, table: mapped }
      }
      case 'toStream': {
        if (step.keyFn === undefined) return { kind: 'stream', key, value, stream: table.toStream(options) }
        const keyFn = expression(step.keyFn, key, value)
        return { kind: 'stream', key: keyFn.type, value, stream: table.toStream(keyFn.evaluate, options) }
      }
      case 'groupBy': {
        const keyFn = expression(step.keyFn ?? 'k', key, value)
        const fn = expression(step.fn ?? 'v', key, value)
        const newTypes = { key: keyFn.type, value: fn.type }
        const group = table.groupBy((v, k) => [keyFn.evaluate(v, k), fn.evaluate(v, k)], {
          ...options,
          ...serdes(newTypes),
        })
        return { kind: 'groupedTable', ...newTypes, group }
      }
      case 'suppress':
        return { kind: 'table', key, value, table: table.suppress(suppressed(step), options) }
      default:
        throw new Error(`unknown step ${step.op} on a table`)
    }
  }

  #onGroup(step: Step, group: Grouped, { key, value }: Types): Result {
    this.#rememberTableStore(step)
    const plan = folding(step, value)
    const options = { ...named(step), ...materialize(step, { key, value: plan.type }, true) }
    const types = { key, value: plan.type }
    switch (plan.kind) {
      case 'count':
        return {
          kind: 'table',
          ...types,
          table: group.count({ ...options, value: long() } as Materialize<unknown, number>),
        }
      case 'reduce':
        return { kind: 'table', ...types, table: group.reduce(plan.reducer, options) }
      case 'aggregate':
        return { kind: 'table', ...types, table: group.aggregate(plan.initializer, plan.aggregator, options) }
    }
  }

  #onGroupedTable(step: Step, group: GroupedTable, { key, value }: Types): Result {
    this.#rememberTableStore(step)
    const plan = folding(step, value)
    const types = { key, value: plan.type }
    const options = { ...named(step), ...materialize(step, types, true) }
    switch (plan.kind) {
      case 'count':
        return {
          kind: 'table',
          ...types,
          table: group.count({ ...options, value: long() } as Materialize<unknown, number>),
        }
      case 'reduce':
        return { kind: 'table', ...types, table: group.reduce(plan.reducer, reducer(step.subtractor ?? ''), options) }
      case 'aggregate': {
        const subtractor = aggregator(step.subtractor ?? '').run
        return {
          kind: 'table',
          ...types,
          table: group.aggregate(plan.initializer, plan.aggregator, subtractor, options),
        }
      }
    }
  }

  #onWindows(
    step: Step,
    from: Extract<Result, { readonly kind: 'windows' | 'sessions' | 'windowedCogroup' | 'sessionCogroup' }>,
  ): Result {
    const { key, value, windowedKey } = from
    if (from.kind === 'windowedCogroup' || from.kind === 'sessionCogroup') {
      const options = { ...named(step), ...materializeWindows(step, { key, value }) }
      const initializer = (): Scalar => step.init ?? null
      const table =
        from.kind === 'windowedCogroup'
          ? from.group.aggregate(initializer, options)
          : from.group.aggregate(initializer, merger(step.merger ?? ''), options)
      return { kind: 'table', key: windowedKey, value, table }
    }
    const plan = folding(step, value)
    const types = { key: windowedKey, value: plan.type }
    const options = { ...named(step), ...materializeWindows(step, { key, value: plan.type }) }
    switch (plan.kind) {
      case 'count':
        return {
          kind: 'table',
          ...types,
          table: from.group.count({ ...options, value: long() } as Materialize<unknown, number, WindowStoreOptions>),
        }
      case 'reduce':
        return { kind: 'table', ...types, table: from.group.reduce(plan.reducer, options) }
      case 'aggregate': {
        const table =
          from.kind === 'windows'
            ? from.group.aggregate(plan.initializer, plan.aggregator, options)
            : from.group.aggregate(plan.initializer, plan.aggregator, merger(step.merger ?? ''), options)
        return { kind: 'table', ...types, table }
      }
    }
  }

  #cogroup(step: Step): Result {
    let cogroup: Cogrouped | undefined
    let key: DataType = 'string'
    let value: DataType = 'string'
    for (const input of step.inputs ?? []) {
      const from = this.#get(input.from)
      if (from.kind !== 'group') throw new Error(`${input.from} is no group`)
      const { type, run } = aggregator(input.agg)
      key = from.key
      value = type
      cogroup = cogroup === undefined ? from.group.cogroup(run) : cogroup.cogroup(from.group, run)
    }
    if (cogroup === undefined) throw new Error(`${step.id} has no input`)
    return { kind: 'cogroup', key, value, group: cogroup }
  }

  #onCogroup(step: Step, group: Cogrouped, { key, value }: Types): Result {
    this.#rememberTableStore(step)
    const options = { ...named(step), ...materialize(step, { key, value }, true) }
    return { kind: 'table', key, value, table: group.aggregate(() => step.init ?? null, options) }
  }
}

function optimizations(text: string): NonNullable<AppConfig['optimize']> {
  return (text.includes(',') ? text.split(',') : text) as NonNullable<AppConfig['optimize']>
}

function windowGroup(step: Step, group: Grouped, { key, value }: Types): Result {
  if (step.windows === undefined) throw new Error(`${step.id} has no windows`)
  const windows = windowsOf(step.windows)
  const windowedKey = windowedType(key, windows)
  if (windows.kind === 'session') {
    const sessions = group.windowedBy(windows)
    return {
      kind: 'sessions',
      key,
      value,
      windowedKey,
      group: step.emit === 'close' ? sessions.emitOnClose() : sessions,
    }
  }
  const timed = group.windowedBy(windows)
  return { kind: 'windows', key, value, windowedKey, group: step.emit === 'close' ? timed.emitOnClose() : timed }
}

function windowCogroup(step: Step, group: Cogrouped, { key, value }: Types): Result {
  if (step.windows === undefined) throw new Error(`${step.id} has no windows`)
  const windows = windowsOf(step.windows)
  const windowedKey = windowedType(key, windows)
  return windows.kind === 'session'
    ? { kind: 'sessionCogroup', key, value, windowedKey, group: group.windowedBy(windows) }
    : { kind: 'windowedCogroup', key, value, windowedKey, group: group.windowedBy(windows) }
}

function elementOf(type: DataType): DataType {
  return typeof type === 'object' && 'list' in type ? type.list : type
}

function elements(list: Expression, value: unknown, key: unknown): unknown[] {
  const result = list.evaluate(value, key)
  return Array.isArray(result) ? result : []
}
