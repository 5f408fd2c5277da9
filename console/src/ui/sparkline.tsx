import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

export interface SparklineProps {
  readonly label: string
  /** One for each second, the latest last. */
  readonly values: readonly (number | null)[]
  readonly text: (value: number) => string
  /** The least upper end of the scale. */
  readonly least: number
  /** Seconds from one side to the other. */
  readonly span: number
}

const HEIGHT = 100
/** Room for the width of the line. */
const TOP = 6

/** A line over time, without axes: the latest is on the right. The value under the pointer is shown. */
export function Sparkline({ label, values, text, least, span }: SparklineProps): JSX.Element {
  const [pointed, setPointed] = useState<number | undefined>(undefined)
  const most = Math.max(least, ...values.map((value) => value ?? 0))
  const x = (index: number): number => span - values.length + index + 1
  const y = (value: number): number => HEIGHT - (value / most) * (HEIGHT - TOP)
  const lines = runsOf(values).map((run) => `M${run.map(([index, value]) => `${x(index)},${y(value)}`).join('L')}`)
  const areas = runsOf(values).map((run, line) => {
    return `${lines[line]}L${x(run.at(-1)![0])},${HEIGHT}L${x(run[0]![0])},${HEIGHT}Z`
  })
  const value = pointed === undefined ? null : (values[pointed] ?? null)
  const point = (event: PointerEvent): void => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect()
    const second = Math.round(((event.clientX - left) / width) * span)
    setPointed(second - span + values.length - 1)
  }
  return (
    <div class="sparkline">
      <svg
        viewBox={`0 0 ${span} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
        <path class="area" d={areas.join('')} />
        <path class="line" d={lines.join('')} />
        {value === null ? null : <path class="cursor" d={`M${x(pointed!)},0V${HEIGHT}`} />}
      </svg>
      {value === null ? null : <span class="readout">{text(value)}</span>}
    </div>
  )
}

/** Returns the parts of a line that are not interrupted, each with at least two points. */
function runsOf(values: readonly (number | null)[]): (readonly [index: number, value: number])[][] {
  const runs: (readonly [number, number])[][] = [[]]
  for (const [index, value] of values.entries()) {
    if (value === null) runs.push([])
    else runs.at(-1)!.push([index, value])
  }
  return runs.filter(({ length }) => length > 1)
}
