/** Escapes control characters: what comes from elsewhere must not be able to write to the terminal what is no text. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\n]/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Lays out names with their texts, a name a line. */
export function namedLines(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = '']) => name.length))
  const indent = ' '.repeat(width + 2)
  return rows
    .map(([name = '', text = '']) => `${name.padEnd(width)}  ${printable(text).replaceAll('\n', `\n${indent}`)}`)
    .join('\n')
}

/** Lays out rows below the names of their columns. Cells are of one line. */
export function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((row) => row.map((cell) => printable(cell)))
  const widths = head.map((_name, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)))
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Returns a time, ms since the epoch, for people to read. Any number may have been written as a time. */
export function timeText(time: number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString()
}
