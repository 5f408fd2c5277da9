import type { JSX } from 'preact'
import { timeText, valueText } from '../../data/text.ts'
import { keyOf, type Row } from './rows.ts'

/** Rows as a table. @param fresh those that have just changed */
export function Rows(props: { readonly rows: readonly Row[]; readonly fresh: ReadonlySet<string> }): JSX.Element {
  const { rows, fresh } = props
  const isTimed = rows.some(({ start }) => start !== undefined)
  return (
    <div class="scroll rows" tabIndex={0} role="region" aria-label="Rows">
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            {isTimed ? <th scope="col">Window</th> : null}
            <th scope="col">Value</th>
            <th scope="col">Updated</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} class={fresh.has(keyOf(row)) ? 'fresh' : ''} data-row={valueText(row.key)}>
              <th scope="row" class="mono">
                {valueText(row.key)}
              </th>
              {isTimed ? (
                <td class="time">
                  {timeText(row.start)}
                  <br />
                  {timeText(row.end)}
                </td>
              ) : null}
              <td class="mono value">
                <Value value={row.value} />
              </td>
              <td class="time">{timeText(row.timestamp)}</td>
              <td class="source">
                {row.partition === null ? 'global' : `p${row.partition}`}
                {row.role === undefined ? '' : ` ${row.role}, lag ${row.lag}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** A value as JSON, its names and texts told apart. */
export function Value({ value }: { readonly value: unknown }): JSX.Element {
  if (typeof value !== 'object' || value === null) return <Scalar value={value} />
  if (Array.isArray(value)) {
    return <>[{value.map((each, index) => joined(index, <Value value={each} />))}]</>
  }
  return (
    <>
      {'{'}
      {Object.entries(value).map(([name, each], index) =>
        joined(
          index,
          <>
            <span class="name">{name}</span>: <Value value={each} />
          </>,
        ),
      )}
      {'}'}
    </>
  )
}

function joined(index: number, part: JSX.Element): JSX.Element {
  return (
    <span key={index}>
      {index === 0 ? '' : ', '}
      {part}
    </span>
  )
}

function Scalar({ value }: { readonly value: unknown }): JSX.Element {
  if (typeof value === 'string') return <span class="text">{JSON.stringify(value)}</span>
  return <span class="number">{JSON.stringify(value) ?? 'none'}</span>
}
