import Table from 'cli-table3'
import type { TopicRecord, Windowed } from 'millrace'
import type { LiveView } from '../kit/live-view.ts'
import type { SpeedingAlert, TruckMinute, TruckStatus } from './topics.ts'

interface Row {
  status: TruckStatus | undefined
  seen: number
  minute: TruckMinute | undefined
  minuteStart: number
  alerts: number
}

/** The fleet as its output topics tell it. */
export class FleetView implements LiveView {
  readonly #rows = new Map<string, Row>()
  #readings = 0
  #alerts = 0
  #latest = 0

  onStatus({ key, value, timestamp }: TopicRecord<string, TruckStatus>): void {
    if (key === null || value === null) return
    const row = this.#row(key)
    row.status = value
    row.seen = timestamp
    this.#readings++
    this.#latest = Math.max(this.#latest, timestamp)
  }

  onMinute({ key, value }: TopicRecord<Windowed<string>, TruckMinute>): void {
    if (key === null || value === null) return
    const row = this.#row(key.key)
    if (key.start < row.minuteStart) return
    row.minute = value
    row.minuteStart = key.start
  }

  onAlert({ key }: TopicRecord<string, SpeedingAlert>): void {
    if (key === null) return
    this.#row(key).alerts++
    this.#alerts++
  }

  picture(rows: number): string {
    const table = new Table({
      head: ['truck', 'driver', 'position', 'km/h', 'limit', 'this minute', 'mean km/h', 'alerts'],
      colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
      style: { head: [], border: [], compact: true },
    })
    const trucks = [...this.#rows].toSorted(([left], [right]) => (left < right ? -1 : 1))
    const shown = trucks.slice(0, Math.max(1, rows - 7))
    for (const [truck, row] of shown) table.push(cells(truck, row))
    const more = trucks.length - shown.length
    const others = more > 0 ? `\n… and ${more} more trucks` : ''
    return `${this.summary()}\n${table.toString()}${others}\nCtrl-C ends; the next start goes on from here.`
  }

  summary(): string {
    const time = this.#latest === 0 ? '-' : new Date(this.#latest).toISOString()
    const counts = `${this.#rows.size} trucks, ${this.#readings} updates, ${this.#alerts} speeding alerts`
    return `fleet-tracking: ${counts}, event time ${time}`
  }

  #row(truck: string): Row {
    let row = this.#rows.get(truck)
    if (row === undefined) {
      row = { status: undefined, seen: 0, minute: undefined, minuteStart: -1, alerts: 0 }
      this.#rows.set(truck, row)
    }
    return row
  }
}

function cells(truck: string, { status, minute, alerts }: Row): string[] {
  if (status === undefined) return [truck, '', '', '', '', '', '', String(alerts)]
  const mark = status.speedKmh > status.limitKmh ? '!' : ''
  return [
    truck,
    `${status.driver} (${status.plate})`,
    `${status.lat.toFixed(4)} ${status.lon.toFixed(4)}`,
    `${mark}${status.speedKmh}`,
    String(status.limitKmh),
    minute === undefined ? '' : `${minute.metres} m`,
    minute === undefined ? '' : minute.meanKmh.toFixed(1),
    String(alerts),
  ]
}
