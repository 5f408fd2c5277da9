import { Operator } from '../../operators/operator.ts'
import { settled } from '../../operators/user-result.ts'
import { MillraceError, messageOf } from '../../errors/millrace-error.ts'
import type { Headers } from '../../record/headers.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { SinkNode, TopicExtractor } from '../../topology/topology.ts'
import type { RecordWriter, WriteOrigin, WriteTarget } from '../output/record-writer.ts'
import { SinkOrigin, type RefusedRecords } from '../failures/refused-records.ts'
import type { NodeCounters } from '../counters/node-counters.ts'
import type { CurrentInput } from '../input/current-input.ts'
import type { TaskTraces } from '../traces/task-traces.ts'

/** Writes what reaches it to a topic, named by the node or computed per record. */
export class SinkOperator extends Operator {
  readonly #topic: string | TopicExtractor
  readonly #target: WriteTarget
  readonly #writer: RecordWriter
  readonly #refused: RefusedRecords
  readonly #input: CurrentInput
  readonly #traces: TaskTraces | undefined
  readonly #copiesValue: boolean
  readonly #internal: boolean
  readonly #written: Float64Array
  readonly #lastTime: Float64Array
  /** The node's place among those counted. */
  readonly #index: number
  /** By topic of the input record: a task reads one partition of each. */
  readonly #origins = new Map<string | null, WriteOrigin>()
  #inputTopic: string | null = null
  #origin: WriteOrigin | undefined

  /**
   * @param topic the full name of a fixed topic
   */
  constructor(
    node: SinkNode,
    topic: string | TopicExtractor,
    writer: RecordWriter,
    refused: RefusedRecords,
    input: CurrentInput,
    counters: NodeCounters,
    traces: TaskTraces | undefined,
  ) {
    super()
    this.#traces = traces
    this.#written = counters.passed
    this.#lastTime = counters.lastTime
    this.#index = counters.indexOf(node.name)
    this.#refused = refused
    this.#input = input
    this.#copiesValue = node.copiesValue
    this.#internal = node.internal
    this.#topic = topic
    this.#target = {
      node: node.name,
      keySerde: node.keySerde,
      valueSerde: node.valueSerde,
      partitioner: node.partitioner,
    }
    this.#writer = writer
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    let topic = this.#topic
    let own = headers
    if (typeof topic !== 'string') {
      own = headers.copy()
      topic = this.#extract(topic, key, value, timestamp, own)
    }
    if (this.#traces !== undefined && own.length > 0) own = this.#traces.written(topic, this.context.node, own)
    const input = this.#copiesValue ? this.#input.cursor : undefined
    const { record } = this.context
    const origin =
      this.#origin !== undefined && record.topic === this.#inputTopic ? this.#origin : this.#originOf(record)
    const { offset } = record
    const partitions = this.#writer.write(topic, this.#target, key, value, timestamp, own, input, origin, offset)
    this.#written[this.#index]! += partitions
    this.#lastTime[this.#index] = timestamp
    if (partitions === 0) this.context.drop('no-partition')
  }

  #originOf({ topic, partition }: RecordContext): WriteOrigin {
    let origin = this.#origins.get(topic)
    if (origin === undefined) {
      const { node, taskId: task } = this.context
      origin = new SinkOrigin({ node, task, internal: this.#internal, topic, partition }, this.#refused)
      this.#origins.set(topic, origin)
    }
    this.#inputTopic = topic
    this.#origin = origin
    return origin
  }

  #extract(extractor: TopicExtractor, key: unknown, value: unknown, timestamp: number, headers: Headers): string {
    const { topic, partition, offset } = this.context.record
    const name: unknown = settled(extractor(value, key, { topic, partition, offset, timestamp, headers }), this.context)
    if (typeof name === 'string' && name !== '') return name
    throw new MillraceError('MR_TOPIC_INVALID', `the topic extractor answered ${messageOf(name)}`, {
      node: this.#target.node,
      hint: 'Answer the name of an existing topic.',
    })
  }
}
