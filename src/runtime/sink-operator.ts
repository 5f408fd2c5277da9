import { Operator } from '../processors/operator.ts'
import { settled } from '../processors/user-result.ts'
import { MillraceError, messageOf } from '../errors.ts'
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
    let topic = this.#topic
    let own = headers
    if (typeof topic !== 'string') {
      own = headers.copy()
      topic = this.#extract(topic, key, value, timestamp, own)
    }
    const input = this.#copiesValue ? this.#input.cursor : undefined
    const partitions = this.#writer.write(topic, this.#target, key, value, timestamp, own, input)
    if (partitions === 0) this.context.drop('no-partition')
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
