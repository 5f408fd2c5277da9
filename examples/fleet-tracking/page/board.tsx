import type { JSX } from 'preact'
import { isConnected, isSpeeding, MINUTES, minutes, now, select, selected, trucks, type Truck } from './fleet.ts'
import { FleetMap } from './fleet-map.tsx'

/** The map, and beside it the trucks and the one that is selected. */
export function Board(): JSX.Element {
  const all = [...trucks.value.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const speeding = all.filter(isSpeeding)
  const truck = trucks.value.get(selected.value ?? '')
  return (
    <main>
      <FleetMap />
      <header class="card title">
        <h1>Fleet</h1>
        <p>
          <b>{all.length}</b> trucks, <b class={speeding.length > 0 ? 'alert' : ''}>{speeding.length}</b> too fast
        </p>
        <p class="muted">
          <i class={`pulse ${isConnected.value ? 'live' : 'lost'}`} />
          {isConnected.value ? timeText(now.value) : 'no connection'}
        </p>
      </header>
      <aside class="card side" aria-label="Trucks">
        {truck === undefined ? null : <Selected truck={truck} />}
        <ul class="trucks" tabIndex={0} aria-label="All trucks">
          {all.map((each) => (
            <li key={each.id}>
              <button
                type="button"
                data-truck={each.id}
                aria-pressed={each === truck}
                class={isSpeeding(each) ? 'alert' : ''}
                onClick={() => void select(each === truck ? undefined : each.id)}
              >
                <i />
                <span>{each.status.driver}</span>
                <span class="speed">
                  <b>{each.status.speedKmh}</b> km/h
                </span>
              </button>
            </li>
          ))}
        </ul>
      </aside>
    </main>
  )
}

function timeText(ms: number): string {
  return ms === 0 ? 'waiting for the first truck' : new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

function Selected({ truck }: { readonly truck: Truck }): JSX.Element {
  const { id, status } = truck
  const { driver, plate, speedKmh, limitKmh } = status
  return (
    <section class="selected" aria-label={driver}>
      <div>
        <h2>{driver}</h2>
        <button type="button" class="close" aria-label="Close" onClick={() => void select(undefined)}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M4 4l8 8M12 4l-8 8" />
          </svg>
        </button>
      </div>
      <p class="muted">
        {id} · {plate}
      </p>
      <p class={`reading ${speedKmh > limitKmh ? 'alert' : ''}`}>
        <b>{speedKmh}</b> km/h <span class="muted">limit {limitKmh}</span>
      </p>
      <Minutes limit={limitKmh} />
    </section>
  )
}

/** The last minutes, each as high as its mean speed. */
function Minutes({ limit }: { readonly limit: number }): JSX.Element {
  const shown = minutes.value
  const most = Math.max(limit * 1.25, ...shown.map(({ meanKmh }) => meanKmh))
  const driven = shown.reduce((sum, { metres }) => sum + metres, 0)
  return (
    <figure class="minutes">
      <div class="bars">
        <span class="limit" style={{ insetBlockEnd: `${(limit / most) * 100}%` }} />
        {Array.from({ length: MINUTES }, (_, index) => {
          const minute = shown[shown.length - MINUTES + index]
          const text =
            minute === undefined
              ? ''
              : `${timeText(minute.start).slice(11, 16)}: ${minute.meanKmh.toFixed(1)} km/h, ${minute.metres} m`
          return (
            <span key={index} class="bar" title={text}>
              <span style={{ blockSize: `${((minute?.meanKmh ?? 0) / most) * 100}%` }} />
            </span>
          )
        })}
      </div>
      <figcaption class="muted">
        mean speed by minute · <b>{(driven / 1000).toFixed(1)} km</b> in {shown.length} min
      </figcaption>
    </figure>
  )
}
