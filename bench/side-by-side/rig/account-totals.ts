import { payment } from './data.ts'
import { LastValues } from './last-values.ts'

interface Total {
  count: number
  sum: number
}

/** What the totals of payments must come to. */
export class AccountTotals extends LastValues<Total> {
  constructor() {
    super((a, b) => a.count === b.count && a.sum === b.sum)
  }

  static ofPayments(records: number, accounts: number): AccountTotals {
    const totals = new AccountTotals()
    for (let i = 0; i < records; i++) {
      const { account, amount } = payment(i, accounts)
      totals.pay(account, amount)
    }
    return totals
  }

  /** Adds a payment and returns the account's total after it. */
  pay(account: string, amount: number): Readonly<Total> {
    const total = this.expected.get(account) ?? { count: 0, sum: 0 }
    this.expected.set(account, total)
    total.count++
    total.sum += amount
    return total
  }

  /** Payments in the totals beyond those that there are. */
  countedTwice(): number {
    let records = 0
    for (const [account, { count }] of this.expected) records += Math.max(0, (this.last(account)?.count ?? 0) - count)
    return records
  }

  /** What is wrong by the rules of `at_least_once`: less than there is. */
  lost(): string | undefined {
    for (const [account, { count, sum }] of this.expected) {
      const found = this.last(account)
      if (found === undefined || found.count < count || found.sum < sum) {
        return `${account} is ${JSON.stringify(found)}, should be at least ${JSON.stringify({ count, sum })}`
      }
    }
    return undefined
  }
}
