import type { JSX } from 'preact'
import { history, HISTORY, totals, type Point } from '../../data/overview.ts'
import { countText, durationText, msText, percentText, rateText } from '../../data/text.ts'
import { Sparkline } from '../../ui/sparkline.tsx'

/** Seconds that charts show at least. */
const LEAST_HISTORY = 60

interface Figure {
  readonly label: string
  readonly hint: string
  readonly of: (point: Point) => number | null
  readonly text: (value: number) => string
  readonly least: number
}

const FIGURES: readonly Figure[] = [
  { label: 'Records a second', hint: 'processed', of: ({ throughput }) => throughput, text: rateText, least: 1 },
  { label: 'Lag', hint: 'records wait', of: ({ lag }) => lag, text: countText, least: 10 },
  { label: 'Commit', hint: '99 of 100 within', of: ({ commit }) => commit, text: msText, least: 10 },
  { label: 'Busy', hint: 'of the time of threads', of: ({ busy }) => busy, text: percentText, least: 1 },
]

/** The figures that say how the application is, and how they were in the last minutes. */
export function KeyFigures(): JSX.Element {
  const points = history.value
  // A page that was just opened need not be looked at for minutes to show something.
  const span = Math.min(HISTORY, Math.max(LEAST_HISTORY, points.length))
  const now = totals.value
  const current = [now?.throughput, now?.lag, now?.commit, now?.busy]
  return (
    <dl class="figures">
      {FIGURES.map(({ label, hint, of, text, least }, index) => {
        const value = current[index]
        return (
          <div key={label} class="figure">
            <dt>
              {label} <small>{hint}</small>
            </dt>
            <dd data-figure={label}>{value === undefined ? '–' : text(value)}</dd>
            <dd class="trend">
              <Sparkline
                label={`${label}, the last ${durationText(span * 1000)}`}
                values={points.map(of)}
                text={text}
                least={least}
                span={span}
              />
            </dd>
          </div>
        )
      })}
    </dl>
  )
}
