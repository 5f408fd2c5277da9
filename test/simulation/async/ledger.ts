import type { LogReader } from '../../../src/log/log.ts'
import type { LocalLog } from '../../../src/log/local/local-log.ts'
import { readCallRow } from '../../../src/state/calls/call-row.ts'
import { PARTITIONS, partitionOf } from '../world.ts'
import type { Round } from '../world.ts'
import { partsOf, payments, STEPS } from './app.ts'
import type { Payment } from './app.ts'
import type { AsyncShape, Piece } from './shape.ts'

/** For the pieces that can be followed record by record: where their results go. */
const FOLLOWED: Partial<Record<Piece, string>> = { ordered: 'scored', completed: 'completed', chain: 'checked' }
/** Where the results of a piece go whose records come of several payments each. */
const NUMBERED: Partial<Record<Piece, string>> = { numbered: 'limited' }

/**
 * Reads along what is sent on and what is kept in the stores of the steps, and compares it with the committed offsets:
 * a record whose offset is committed must be in one of the two, at any time.
 */
export class Ledger {
  readonly problems: string[] = []
  readonly #log: LocalLog
  readonly #shape: AsyncShape
  readonly #reader: LogReader
  readonly #assigned = new Set<string>()
  /** Payments that are committed and not known to have left every piece, by partition in the order of their offsets. */
  readonly #inputs: Payment[][] = Array.from({ length: PARTITIONS }, () => [])
  readonly #next: number[] = Array.from({ length: PARTITIONS }, () => 0)
  readonly #unsent = new Map<Piece, Set<Payment>>()
  readonly #sent = new Map<string, Set<string>>()
  /** Ids of the values in the store of each step, by partition and row. */
  readonly #kept = new Map<string, Map<string, string>>()

  constructor(log: LocalLog, shape: AsyncShape) {
    this.#log = log
    this.#shape = shape
    this.#reader = log.openReader()
  }

  /** Must be called with each round before it is appended. */
  appended(round: Round): void {
    for (const { topic, key, value } of round) {
      if (topic === payments.name) this.#inputs[partitionOf(key)]?.push(value as Payment)
    }
  }

  /** True if a committed record of an output has this id. */
  hasSent(output: string, id: string): boolean {
    return this.#sent.get(output)?.has(id) === true
  }

  /** True if no record is in the store of a step. */
  get isEmpty(): boolean {
    return [...this.#kept.values()].every(({ size }) => size === 0)
  }

  /** What is kept, for a report. */
  get kept(): string {
    return [...this.#kept].map(([step, rows]) => `${step}: ${[...rows.values()].join(' ')}`).join('; ')
  }

  check(): void {
    const hasRead = this.#read()
    const hasCommitted = this.#takeCommitted()
    if (!hasRead && !hasCommitted) return
    for (const [piece, unsent] of this.#unsent) {
      for (const payment of unsent) {
        if (this.#hasLeft(piece, payment)) unsent.delete(payment)
        else if (!this.#isHeld(piece, payment)) {
          unsent.delete(payment)
          this.problems.push(`${piece}: the offset of ${payment.id} is committed, and it is neither sent on nor stored`)
        }
      }
    }
  }

  #takeCommitted(): boolean {
    let hasCommitted = false
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const committed = this.#log.committedOffset('app', payments.name, partition)?.offset ?? 0
      const from = this.#next[partition] ?? 0
      if (committed <= from) continue
      this.#next[partition] = committed
      hasCommitted = true
      for (const payment of this.#inputs[partition]?.slice(from, committed) ?? []) this.#follow(payment)
    }
    return hasCommitted
  }

  #follow(payment: Payment): void {
    if (payment.isBad) return
    for (const piece of this.#shape.pieces) {
      if (FOLLOWED[piece] === undefined) continue
      let unsent = this.#unsent.get(piece)
      if (unsent === undefined) this.#unsent.set(piece, (unsent = new Set()))
      unsent.add(payment)
    }
  }

  #hasLeft(piece: Piece, payment: Payment): boolean {
    const sent = this.#sent.get(FOLLOWED[piece] ?? '')
    if (piece === 'chain') return partsOf(payment).every(({ id }) => sent?.has(id) === true)
    return sent?.has(payment.id) === true
  }

  #isHeld(piece: Piece, payment: Payment): boolean {
    const [first = '', second = ''] = STEPS[piece]
    if (this.#keeps(first, payment.id)) return true
    if (piece !== 'chain') return false
    const sent = this.#sent.get('checked')
    return partsOf(payment).every(({ id }) => sent?.has(id) === true || this.#keeps(second, id))
  }

  #keeps(step: string, id: string): boolean {
    for (const kept of this.#kept.get(step)?.values() ?? []) if (kept === id) return true
    return false
  }

  /** True if there was anything new. */
  #read(): boolean {
    this.#assignAll()
    return (
      this.#reader.poll((topic, partition, cursor) => {
        const step = topic.startsWith('app-') ? topic.slice('app-'.length, -'-changelog'.length) : undefined
        while (cursor.next()) {
          const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
          const value = valueStart < 0 ? null : buffer.subarray(valueStart, valueEnd)
          if (step === undefined) this.#sentOn(topic, value)
          else this.#changed(step, `${partition} ${buffer.toString('hex', keyStart, keyEnd)}`, value)
        }
      }) > 0
    )
  }

  #assignAll(): void {
    for (const piece of this.#shape.pieces) {
      const output = FOLLOWED[piece] ?? NUMBERED[piece]
      if (output !== undefined) this.#assign(output)
      for (const step of STEPS[piece]) this.#assign(`app-${step}-changelog`)
    }
  }

  /** Changelogs are created when the group has met. */
  #assign(topic: string): void {
    if (this.#assigned.has(topic) || this.#log.topic(topic) === undefined) return
    this.#assigned.add(topic)
    for (let partition = 0; partition < PARTITIONS; partition++) this.#reader.assign(topic, partition, 0)
  }

  #sentOn(topic: string, value: Buffer | null): void {
    let sent = this.#sent.get(topic)
    if (sent === undefined) this.#sent.set(topic, (sent = new Set()))
    if (value !== null) sent.add(idOf(value))
  }

  #changed(step: string, row: string, value: Buffer | null): void {
    let rows = this.#kept.get(step)
    if (rows === undefined) this.#kept.set(step, (rows = new Map()))
    if (value === null) rows.delete(row)
    else rows.set(row, idOf(readCallRow(value).value ?? Buffer.from('{}')))
  }
}

function idOf(json: Buffer): string {
  const { id } = JSON.parse(json.toString('utf8')) as { readonly id: string }
  return id
}
