import type { JSX } from 'preact'
import { accounts, alerts, isConnected, MINUTES, onItsWay, payments, volumes, type MinuteRow } from './bank.ts'
import { dollars } from '../describe-payment.ts'

export function Board(): JSX.Element {
  const minute = volumes.value.at(-1)
  return (
    <main>
      <header>
        <h1>Payments</h1>
        <dl>
          <Figure name="Payments" value={payments.value.toLocaleString('en-US')} />
          <Figure name="Accounts" value={String(accounts.value.size)} />
          <Figure
            name="On its way"
            hint="What one account has sent and the other has not received yet"
            value={money(onItsWay.value)}
          />
          <Figure name="This minute" value={minute === undefined ? '–' : money(minute.value.cents)} />
        </dl>
        <p class="connection">
          <i class={`pulse ${isConnected.value ? 'live' : 'lost'}`} />
          {isConnected.value ? (minute === undefined ? 'connected' : timeText(minute.start)) : 'no connection'}
        </p>
      </header>
      <section class="card volume" aria-labelledby="volume">
        <h2 id="volume">Volume a minute</h2>
        <Chart rows={volumes.value} />
      </section>
      <section class="card alerts" aria-labelledby="alerts">
        <h2 id="alerts">
          Fraud alerts <span class="muted">more than 60 payments in a minute</span>
        </h2>
        <ul tabIndex={0} aria-label="Alerts">
          {alerts.value.map(({ key, start, value }) => (
            <li key={`${key} ${start}`} data-alert={key}>
              <b>{key}</b>
              <span class="count">{value.payments} payments</span>
              <span class="muted">{timeText(start).slice(11, 16)}</span>
              <span class="last muted">{value.last}</span>
            </li>
          ))}
        </ul>
        {alerts.value.length === 0 ? <p class="muted none">None so far.</p> : null}
      </section>
      <section class="card accounts" aria-labelledby="accounts">
        <h2 id="accounts">Accounts</h2>
        <Accounts />
      </section>
    </main>
  )
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** Cents as `$1,234.50`, each with as many digits behind the point as the others of its column. */
function money(cents: number): string {
  return (cents / 100).toLocaleString('en-US', { style: 'currency', currency: 'USD' })
}

function Figure(props: { readonly name: string; readonly value: string; readonly hint?: string }): JSX.Element {
  return (
    <div title={props.hint}>
      <dt>{props.name}</dt>
      <dd data-figure={props.name}>{props.value}</dd>
    </div>
  )
}

const CHART = { width: 800, height: 210, left: 78, bottom: 22, top: 8 }

/** A bar for each minute; the last one still grows. */
function Chart({ rows }: { readonly rows: readonly MinuteRow[] }): JSX.Element {
  const { width, height, left, bottom, top } = CHART
  const most = niceAbove(Math.max(1, ...rows.map(({ value }) => value.cents)))
  const y = (cents: number): number => height - bottom - (cents / most) * (height - bottom - top)
  const step = (width - left) / MINUTES
  const first = MINUTES - rows.length
  return (
    <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label="Volume of the last minutes">
      {[0, 0.5, 1].map((share) => (
        <g key={share} class="tick">
          <line x1={left} x2={width} y1={y(most * share)} y2={y(most * share)} />
          <text x={left - 10} y={y(most * share) + 4} text-anchor="end">
            {dollars(Math.round(most * share))}
          </text>
        </g>
      ))}
      {rows.map(({ start, value }, index) => (
        <rect
          key={start}
          class={index === rows.length - 1 ? 'bar growing' : 'bar'}
          data-minute={start}
          x={left + (first + index) * step + step * 0.14}
          width={step * 0.72}
          y={y(value.cents)}
          height={Math.max(0, height - bottom - y(value.cents))}
          rx={2.5}
        >
          <title>{`${timeText(start)}: ${value.payments} payments, ${dollars(value.cents)}`}</title>
        </rect>
      ))}
      {rows
        .filter(({ start }) => (start / 60_000) % 5 === 0)
        .map(({ start }) => (
          <text
            key={start}
            class="time"
            x={left + (first + rows.findIndex((row) => row.start === start) + 0.5) * step}
            y={height - 5}
            text-anchor="middle"
          >
            {timeText(start).slice(11)}
          </text>
        ))}
    </svg>
  )
}

/** Returns the next of 1, 2, 4, 5 and 10 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 5].find((factor) => factor * power >= value) ?? 10) * power
}

function Accounts(): JSX.Element {
  const all = [...accounts.value].toSorted(([, a], [, b]) => b.balance - a.balance)
  const most = Math.max(1, ...all.map(([, { balance }]) => Math.abs(balance)))
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="All accounts">
      <table>
        <thead>
          <tr>
            <th scope="col">Account</th>
            <th scope="col" class="number">
              Sent
            </th>
            <th scope="col" class="number">
              Received
            </th>
            <th scope="col" class="number">
              Balance
            </th>
            <td />
          </tr>
        </thead>
        <tbody>
          {all.map(([name, { sent, received, balance }]) => (
            <tr key={name} data-account={name}>
              <th scope="row">{name}</th>
              <td class="number muted">{money(sent)}</td>
              <td class="number muted">{money(received)}</td>
              <td class="number balance">{money(balance)}</td>
              <td class="bars">
                <span
                  class={balance < 0 ? 'minus' : 'plus'}
                  style={{ inlineSize: `${(Math.abs(balance) / most) * 50}%` }}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
