import { json, keyValueStore, string } from 'millrace'
import type { KeyValueStore, Processor, ProcessorContext, ProcessorRecord } from 'millrace'
import { decode, readSentence } from './decode.ts'
import type { Position, Voyage } from './decode.ts'

/** The payloads of a message of which not all parts have come. */
type Parts = readonly string[]

export const incomplete = keyValueStore('incomplete', { key: string(), value: json<Parts>() })

/** Puts the parts of messages together, and decodes them. What is damaged, or no report, is dropped. */
export class Assembly implements Processor<string | null, string, string, Position | Voyage> {
  #context!: ProcessorContext<string, Position | Voyage>
  #incomplete!: KeyValueStore<string, Parts>

  init(context: ProcessorContext<string, Position | Voyage>): void {
    this.#context = context
    this.#incomplete = context.store('incomplete')
  }

  process({ value: line, timestamp, headers }: ProcessorRecord<string | null, string>): void {
    const sentence = readSentence(line)
    if (sentence === undefined) return
    const { message, parts, part, payload, fill } = sentence
    const before = part === 1 ? [] : (this.#incomplete.get(message) ?? [])
    // A part is missing: the message is lost.
    if (before.length !== part - 1) return
    if (part < parts) {
      this.#incomplete.put(message, [...before, payload])
      return
    }
    if (parts > 1) this.#incomplete.delete(message)
    const report = decode([...before, payload].join(''), fill)
    if (report !== undefined) this.#context.forward({ key: String(report.mmsi), value: report, timestamp, headers })
  }
}
