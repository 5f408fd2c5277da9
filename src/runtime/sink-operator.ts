import { Operator } from '../processors/operator.ts'
import { MillraceError } from '../errors.ts'
import type { Headers } from '../record/headers.ts'
import type { SinkNode, TopicExtractor } from '../topology/topology.ts'
import type { InputValue, RecordWriter, WriteTarget } from './record-writer.ts'

/** Where the record lies that a task is processing. */
export interface CurrentInput {
  readonly cursor: InputValue | undefined
}

/** Writes what reaches it to a topic, named by the node or computed per record. */
export class SinkOperator extends Operator {
  readonly #topic: string | TopicExtractor
  readonly #target: WriteTarget
  readonly #writer: RecordWriter
  readonly #input: CurrentInput
  readonly #copiesValue: boolean

  /**
   * @param topic the full name of a fixed topic
   */
  constructor(node: SinkNode, topic: string | TopicExtractor, writer: RecordWriter, input: CurrentInput) {
    super()
    this.#input = input
    this.#copiesValue = node.copiesValue
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
    const topic =
      typeof this.#topic === 'string' ? this.#topic : this.#extract(this.#topic, key, value, timestamp, headers)
    const input = this.#copiesValue ? this.#input.cursor : undefined
    const partitions = this.#writer.write(topic, this.#target, key, value, timestamp, headers, input)
    if (partitions === 0) this.context.drop('no-partition')
  }

  #extract(extractor: TopicExtractor, key: unknown, value: unknown, timestamp: number, headers: Headers): string {
    const { topic, partition, offset } = this.context.record
    const name = extractor(value, key, { topic, partition, offset, timestamp, headers })
    if (typeof name === 'string' && name !== '') return name
    throw new MillraceError('MR_TOPIC_INVALID', `the topic extractor answered ${String(name)}`, {
      node: this.#target.node,
      hint: 'Answer the name of an existing topic.',
    })
  }
}
