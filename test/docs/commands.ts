import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { KAFKA_LOGIN } from '../../src/cli/command-options.ts'

const LOGIN = new Set(Object.keys(KAFKA_LOGIN))

const INTRODUCTION = `# Commands

Every command of \`millrace\` with its arguments and options, written from the commands. \`millrace COMMAND --help\`
prints the same. The pages say what they are for: [topics and groups](topics.md), [dead letters](dead-letters.md),
[queries](queries.md), [backups](state.md#backup-and-restore), [configuration](configuration.md).

Commands with \`--kafka\` also take the options by which one [logs in](kafka.md#logging-in-from-the-command-line).`

/** Returns the page of the commands. */
export function commandsPage(): string {
  return `${[INTRODUCTION, ...sectionsOf(createProgram([]), 'millrace')].join('\n\n')}\n`
}

function sectionsOf(command: Command, name: string): string[] {
  if (command.commands.length > 0) return command.commands.flatMap((each) => sectionsOf(each, `${name} ${each.name()}`))
  const text = [`## ${name}`, command.description(), `\`\`\`sh\n${name} ${command.usage()}\n\`\`\``]
  const rows = [
    ...command.registeredArguments.map((each) => [`<${each.name()}>`, each.description, '']),
    ...command.options
      .filter((each) => !each.hidden && !LOGIN.has(each.attributeName()))
      .map((each) => [each.flags, each.description, defaultOf(each.defaultValue, each.defaultValueDescription)]),
  ].map(([given = '', ...rest]) => [`\`${given}\``, ...rest])
  return [[...text, tableOf(['argument or option', 'meaning', 'default'], rows)].join('\n\n')]
}

function defaultOf(value: unknown, description: string | undefined): string {
  if (description !== undefined) return description.replaceAll('|', String.raw`\|`)
  return value === undefined ? '' : `\`${String(value)}\``
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', String.raw`\|`)))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [line(cells[0]!), line(widths.map((width) => '-'.repeat(width))), ...cells.slice(1).map(line)].join('\n')
}
