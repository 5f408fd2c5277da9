import { computed, signal } from '@preact/signals'
import { placeOf, type Place } from '../region.ts'

/** A truck as the store `trucks` has it. */
interface TruckStatus {
  readonly lat: number
  readonly lon: number
  readonly speedKmh: number
  readonly plate: string
  readonly driver: string
  readonly limitKmh: number
}

/** A row of the store, as the server sends it. */
interface SentRow {
  readonly key: string
  readonly value: TruckStatus
  readonly timestamp: number
}

export interface Truck {
  readonly id: string
  readonly status: TruckStatus
  /** ms since the epoch, by its receiver. */
  readonly time: number
  /** Where it was in the last minutes, the latest last. */
  readonly trail: readonly { readonly time: number; readonly place: Place }[]
}

/** A minute of a truck, as the store `minutes` has it. */
export interface Minute {
  readonly start: number
  readonly metres: number
  readonly meanKmh: number
}

/** ms of event time that a trail shows. */
const TRAIL = 120_000
/** Minutes that are shown of a truck. */
export const MINUTES = 12

export const trucks = signal<ReadonlyMap<string, Truck>>(new Map())
export const selected = signal<string | undefined>(undefined)
export const isConnected = signal(false)
export const minutes = signal<readonly Minute[]>([])

/** The event time that the fleet has reached. */
export const now = computed(() => Math.max(0, ...[...trucks.value.values()].map(({ time }) => time)))

export function isSpeeding({ status }: Truck): boolean {
  return status.speedKmh > status.limitKmh
}

/** Follows the store of trucks. The browser connects again by itself, and goes on from where it was. */
export function follow(): void {
  const source = new EventSource('../v1/stores/trucks/watch')
  source.addEventListener('open', () => (isConnected.value = true))
  source.addEventListener('error', () => (isConnected.value = false))
  let changed: SentRow[] = []
  const take = ({ data }: MessageEvent<string>): void => {
    changed.push(JSON.parse(data) as SentRow)
  }
  source.addEventListener('value', take)
  source.addEventListener('change', take)
  const show = (): void => {
    if (changed.length > 0) trucks.value = withRows(trucks.value, changed)
    changed = []
    requestAnimationFrame(show)
  }
  show()
  setInterval(() => void loadMinutes(), 1000)
}

function withRows(before: ReadonlyMap<string, Truck>, rows: readonly SentRow[]): ReadonlyMap<string, Truck> {
  const next = new Map(before)
  for (const { key, value, timestamp } of rows) {
    const trail = next.get(key)?.trail ?? []
    const kept = trail.filter(({ time }) => time > timestamp - TRAIL && time < timestamp)
    const place = placeOf(value)
    next.set(key, { id: key, status: value, time: timestamp, trail: [...kept, { time: timestamp, place }] })
  }
  return next
}

export async function select(truck: string | undefined): Promise<void> {
  selected.value = truck
  minutes.value = []
  await loadMinutes()
}

/** Asks for the last minutes of the truck that is selected. */
async function loadMinutes(): Promise<void> {
  const truck = selected.value
  if (truck === undefined) return
  const query = new URLSearchParams({ from: String(now.value - MINUTES * 60_000), limit: String(MINUTES + 1) })
  const response = await fetch(`../v1/stores/minutes/windows/${truck}?${query}`).catch(() => undefined)
  if (response?.ok !== true || selected.value !== truck) return
  const { rows } = (await response.json()) as {
    rows: { start: number; value: { metres: number; speeds: number; readings: number } }[]
  }
  minutes.value = rows.slice(-MINUTES).map(({ start, value: { metres, speeds, readings } }) => {
    return { start, metres, meanKmh: readings === 0 ? 0 : speeds / readings }
  })
}
