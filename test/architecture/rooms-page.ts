import { PLAIN, rooms } from './rooms.ts'

const TABLE = /(<!-- rooms -->\n)[\s\S]*?(<!-- end of rooms -->)/

/** Returns the page with the table of rooms as the law has it. */
export function withRooms(page: string): string {
  if (!TABLE.test(page)) throw new Error('the page has no place for the table of rooms')
  return page.replace(TABLE, (_, begin: string, end: string) => `${begin}\n${roomTable()}\n\n${end}`)
}

function roomTable(): string {
  const rows = Object.entries(rooms)
    .filter(([room]) => room !== '.')
    .map(([room, { holds, knows }]) => [`\`${room}\``, holds, shown(room, knows)])
  return aligned([['room', 'holds', 'knows'], ...rows])
}

function shown(room: string, knows: readonly string[]): string {
  const named = PLAIN.includes(room) ? knows : knows.filter((known) => !PLAIN.includes(known))
  return named.toSorted().join(', ')
}

/** Makes columns as wide as their widest cell, like the formatter. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const [head, ...body] = rows.map(line)
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n')
}
