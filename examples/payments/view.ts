import Table from 'cli-table3'
import type { TopicRecord, Windowed } from 'millrace'
import type { LiveView } from '../kit/live-view.ts'
import { dollars } from './describe-payment.ts'
import type { AccountTotal, FraudAlert, Score, Volume } from './topics.ts'

/** Payments with such a score, or a higher one, are shown as risky. */
const RISKY = 90

/** The bank as its output topics tell it. */
export class BankView implements LiveView {
  readonly #accounts = new Map<string, AccountTotal>()
  readonly #suspicious = new Map<string, FraudAlert>()
  #scored = 0
  #risky = 0
  #minute: Volume | undefined
  #minuteStart = -1
  #lastAlert = ''

  onAccount({ key, value }: TopicRecord<string, AccountTotal>): void {
    if (key !== null && value !== null) this.#accounts.set(key, value)
  }

  onVolume({ key, value }: TopicRecord<Windowed<string>, Volume>): void {
    if (key === null || value === null || key.start < this.#minuteStart) return
    this.#minute = value
    this.#minuteStart = key.start
  }

  onFraud({ key, value }: TopicRecord<Windowed<string>, FraudAlert>): void {
    if (key === null || value === null) return
    this.#suspicious.set(String(key), value)
    this.#lastAlert = `${key.key} made ${value.payments} payments in a minute; the last: ${value.last}`
  }

  onScore({ value }: TopicRecord<string, Score>): void {
    if (value === null) return
    this.#scored++
    if (value.risk >= RISKY) this.#risky++
  }

  picture(rows: number): string {
    const table = new Table({
      head: ['account', 'sent', 'received', 'balance', 'payments'],
      colAligns: ['left', 'right', 'right', 'right', 'right'],
      style: { head: [], border: [], compact: true },
    })
    const accounts = [...this.#accounts].toSorted(([, left], [, right]) => right.balance - left.balance)
    const shown = accounts.slice(0, Math.max(1, rows - 8))
    for (const [account, total] of shown) {
      table.push([
        account,
        dollars(total.sent),
        dollars(total.received),
        dollars(total.balance),
        String(total.payments),
      ])
    }
    const more = accounts.length - shown.length
    return [
      this.summary(),
      table.toString() + (more > 0 ? `\n… and ${more} more accounts` : ''),
      this.#lastAlert === '' ? 'no fraud alert yet' : `fraud alert: ${this.#lastAlert}`,
      'Ctrl-C ends; the next start goes on from here.',
    ].join('\n')
  }

  summary(): string {
    let sides = 0
    let balance = 0
    for (const total of this.#accounts.values()) {
      sides += total.payments
      balance += total.balance
    }
    const minute = this.#minute === undefined ? '-' : dollars(this.#minute.cents)
    return (
      `payments: ${this.#accounts.size} accounts, ${Math.floor(sides / 2)} payments, ` +
      `sum of all balances ${dollars(balance)}, this minute ${minute}, ${this.#suspicious.size} fraud alerts, ` +
      `${this.#scored} large payments scored, ${this.#risky} of them risky`
    )
  }
}
