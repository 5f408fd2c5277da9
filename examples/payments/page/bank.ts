import { computed, signal } from '@preact/signals'

interface AccountTotal {
  readonly sent: number
  readonly received: number
  readonly balance: number
  readonly payments: number
}

/** Payments in a minute: of everybody, or of one account, whose last payment is in words then. */
interface Minute {
  readonly payments: number
  readonly cents: number
  readonly last?: string
}

/** A row of a store of windows, as the server sends it. */
export interface MinuteRow {
  readonly key: string
  readonly value: Minute
  readonly start: number
}

/** An account that pays more often in a minute is suspicious, as the application has it. */
const MOST_PAYMENTS = 60
/** Minutes that are shown. */
export const MINUTES = 40
const MOST_ALERTS = 30

export const accounts = signal<ReadonlyMap<string, AccountTotal>>(new Map())
export const volumes = signal<readonly MinuteRow[]>([])
export const alerts = signal<readonly MinuteRow[]>([])
export const isConnected = signal(false)

/** Cents that one side of a payment has booked and the other has not: whatever crashes, it comes back to 0. */
export const onItsWay = computed(() =>
  Math.abs([...accounts.value.values()].reduce((sum, { balance }) => sum + balance, 0)),
)
export const payments = computed(() =>
  Math.floor([...accounts.value.values()].reduce((sum, { payments }) => sum + payments, 0) / 2),
)

/** Follows the stores. The browser connects again by itself, and goes on from where it was. */
export function follow(): void {
  const source = watch<{ key: string; value: AccountTotal }>('accounts', (rows) => {
    const next = new Map(accounts.value)
    for (const { key, value } of rows) next.set(key, value)
    accounts.value = next
  })
  source.addEventListener('open', () => (isConnected.value = true))
  source.addEventListener('error', () => (isConnected.value = false))
  watch<MinuteRow>('volume', (rows) => {
    volumes.value = latest(volumes.value, rows)
      .toSorted((a, b) => a.start - b.start)
      .slice(-MINUTES)
  })
  watch<MinuteRow>('payments-by-payer', (rows) => {
    const suspicious = rows.filter(({ value }) => value.payments > MOST_PAYMENTS)
    if (suspicious.length === 0) return
    alerts.value = latest(alerts.value, suspicious)
      .toSorted((a, b) => b.start - a.start)
      .slice(0, MOST_ALERTS)
  })
}

/** Hands over the rows of a store that there are, and those that change, all of a frame at once. */
function watch<Row>(store: string, take: (rows: readonly Row[]) => void): EventSource {
  const source = new EventSource(`../v1/stores/${store}/watch`)
  let rows: Row[] = []
  const add = ({ data }: MessageEvent<string>): void => {
    const row = JSON.parse(data) as Row & { readonly deleted?: true }
    if (row.deleted === true) return
    if (rows.length === 0) {
      requestAnimationFrame(() => {
        take(rows)
        rows = []
      })
    }
    rows.push(row)
  }
  source.addEventListener('value', add)
  source.addEventListener('change', add)
  return source
}

/** Returns all minutes, each as it is now. */
function latest(before: readonly MinuteRow[], rows: readonly MinuteRow[]): MinuteRow[] {
  const byMinute = new Map([...before, ...rows].map((row) => [`${row.key} ${row.start}`, row]))
  return [...byMinute.values()]
}
