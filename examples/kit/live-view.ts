import { setInterval as ticks } from 'node:timers/promises'

/** What an example shows of its output topics while it runs. */
export interface LiveView {
  /** A picture of some lines, for a terminal. */
  picture(rows: number): string
  /** One line, for a log file. */
  summary(): string
}

const PICTURE_EVERY = 500
const SUMMARY_EVERY = 2000

/** Shows a view until `signal` aborts: drawn over itself on a terminal, else as a line every now and then. */
export async function show(view: LiveView, signal: AbortSignal): Promise<void> {
  const { stdout } = process
  const draw = (): void => {
    if (!stdout.isTTY) {
      console.log(view.summary())
      return
    }
    // A line that wraps would push the picture down.
    const lines = view
      .picture(stdout.rows)
      .split('\n')
      .map((line) => line.slice(0, stdout.columns))
    // Home, each line with its rest erased, then the rest of the screen: no flicker.
    stdout.write(`\u001b[H${lines.join('\u001b[K\n')}\u001b[K\n\u001b[J`)
  }
  if (stdout.isTTY) stdout.write('\u001b[2J')
  try {
    for await (const _ of ticks(stdout.isTTY ? PICTURE_EVERY : SUMMARY_EVERY, undefined, { signal })) draw()
  } catch (error) {
    if (!signal.aborted) throw error
  }
  draw()
}
