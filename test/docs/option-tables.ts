import {
  DESCRIBE,
  DIFF,
  flagsOf,
  INSTANCES,
  KAFKA_LOGIN,
  LIST_LETTERS,
  LOG,
  QUERY_STORE,
  REPLAY_LETTERS,
  RESET,
  SHOW_LETTER,
  STATUS,
} from '../../src/cli/command-options.ts'
import { variableOf, type CommandOption } from '../../src/cli/settings/command-option.ts'
import { GROUP, kafka } from '../../src/cli/settings/connection-settings.ts'
import { APPLICATION, INSTANCE, PLACE } from '../../src/cli/settings/run-settings.ts'
import { CONNECT, CONNECTORS_CHANGED, CONNECTORS_SHOWN } from '../../src/cli/connect-options.ts'
import { CONSUME, PRODUCE } from '../../src/cli/record-options.ts'
import * as topicOptions from '../../src/cli/topic-options.ts'
import { DEFINE_CONNECTORS } from '../../src/connect/define-connectors.ts'
import { SINK } from '../../src/connect/definition/sink.ts'
import { SOURCE } from '../../src/connect/definition/source.ts'
import { FILE_SINK } from '../../src/connect/files/file-sink.ts'
import { FILE_SOURCE } from '../../src/connect/files/file-source-options.ts'
import { RUN_CONNECTORS } from '../../src/connect/running-connectors.ts'
import { READ_DEAD_LETTERS } from '../../src/dead-letters/read-dead-letters.ts'
import { REPLAY_DEAD_LETTERS } from '../../src/dead-letters/replay-dead-letters.ts'
import { ERRORS, IDENTITY, INTERNAL_TOPICS, PROCESSING } from '../../src/dsl/app-options.ts'
import { KAFKA } from '../../src/kafka/cluster/connection-options.ts'
import { EMBEDDED_LOG } from '../../src/log/embedded/embedded-log.ts'
import { MEMORY_LOG } from '../../src/log/memory/memory-log.ts'
import { METRICS_OPTIONS } from '../../src/metrics/metrics-options.ts'
import type { Option, OptionTable } from '../../src/options/options.ts'
import { STREAMS_START } from '../../src/runtime/streams-options.ts'
import { LIMITS, SERVE, TLS, TOKEN } from '../../src/server/server-options.ts'
import { JSON_OPTIONS } from '../../src/serde/json.ts'
import { DRIVER, INPUT, PIPE } from '../../src/testing/driver-options.ts'

/** The tables of options by the names that the documentation calls for them. */
export const OPTION_TABLES: ReadonlyMap<string, OptionTable> = new Map<string, OptionTable>([
  ['identity', IDENTITY],
  ['processing', PROCESSING],
  ['internal topics', INTERNAL_TOPICS],
  ['errors', ERRORS],
  ['Streams.start()', STREAMS_START],
  ['embeddedLog()', EMBEDDED_LOG],
  ['memoryLog()', MEMORY_LOG],
  ['kafka()', KAFKA],
  ['--kafka', KAFKA_LOGIN],
  ['new TopologyTestDriver()', DRIVER],
  ['input()', INPUT],
  ['pipe()', PIPE],
  ['defineSource()', SOURCE],
  ['defineSink()', SINK],
  ['fileSource()', FILE_SOURCE],
  ['fileSink()', FILE_SINK],
  ['defineConnectors()', DEFINE_CONNECTORS],
  ['runConnectors()', RUN_CONNECTORS],
  ['millrace connect', CONNECT],
  ['millrace connectors list', CONNECTORS_SHOWN],
  ['millrace connectors pause', CONNECTORS_CHANGED],
  ['metering()', METRICS_OPTIONS],
  ['json()', JSON_OPTIONS],
  ['serve()', SERVE],
  ['limits', LIMITS],
  ['tls', TLS],
  ['token', TOKEN],
  ['settings of the connection', { kafka, ...KAFKA_LOGIN, ...GROUP }],
  ['settings of the application', APPLICATION],
  ['settings of an instance', { ...PLACE, ...INSTANCE }],
  ['millrace reset', RESET],
  ['millrace describe', DESCRIBE],
  ['millrace diff', DIFF],
  ['millrace status', STATUS],
  ['millrace instances', INSTANCES],
  ['millrace query', QUERY_STORE],
  ['millrace produce', PRODUCE],
  ['millrace consume', CONSUME],
  ['millrace topics create', topicOptions.CREATE_TOPIC],
  ['millrace topics list', topicOptions.LIST_TOPICS],
  ['millrace topics describe', topicOptions.DESCRIBE_TOPICS],
  ['millrace topics alter', topicOptions.ALTER_TOPIC],
  ['millrace topics delete', topicOptions.DELETE_TOPICS],
  ['millrace groups list', topicOptions.LIST_GROUPS],
  ['millrace groups describe', topicOptions.DESCRIBE_GROUP],
  ['millrace groups delete', topicOptions.DELETE_GROUPS],
  ['millrace groups reset-offsets', topicOptions.RESET_OFFSETS],
  ['millrace log', LOG],
  ['readDeadLetters()', READ_DEAD_LETTERS],
  ['replayDeadLetters()', REPLAY_DEAD_LETTERS],
  ['millrace dead-letters ls', LIST_LETTERS],
  ['millrace dead-letters show', SHOW_LETTER],
  ['millrace dead-letters replay', REPLAY_LETTERS],
])

const SECTION = /<!-- options: (.+?) -->\n[\s\S]*?<!-- end of options -->/g

/** Returns a page with every table of options written again. */
export function withOptionTables(page: string): string {
  return page.replaceAll(SECTION, (_section, name: string) => {
    const table = OPTION_TABLES.get(name)
    if (table === undefined) throw new Error(`there is no table of options called ${name}`)
    if (name.startsWith('settings '))
      return `<!-- options: ${name} -->\n\n${settingsOf(table)}\n\n<!-- end of options -->`
    const isCommand = /^(?:millrace |--)/.test(name)
    return `<!-- options: ${name} -->\n\n${markdownOf(table, isCommand)}\n\n<!-- end of options -->`
  })
}

function markdownOf(table: OptionTable, isCommand: boolean): string {
  // What is the same for every command stands in one table of its own.
  const options = Object.entries(table).filter(([name]) => table === KAFKA_LOGIN || !Object.hasOwn(KAFKA_LOGIN, name))
  const hasKafka = options.some(([, { kafka }]) => kafka !== undefined)
  const head = ['option', 'type', 'default', 'meaning', ...(hasKafka ? ['Kafka'] : [])]
  const rows = options.map(([name, option]) => [
    `\`${isCommand ? flagsOf(name, option) : name}\``,
    isCommand && !('value' in option) ? '' : option.type,
    defaultOf(option),
    option.description,
    ...(hasKafka ? [kafkaOf(option)] : []),
  ])
  return tableOf(head, rows)
}

/** Writes the settings of a run, by their names in files and in the environment. */
function settingsOf(table: Readonly<Record<string, CommandOption>>): string {
  const rows = Object.entries(table)
    .filter(([, row]) => row.once !== true)
    .map(([name, row]) => [
      row.secret === true ? '' : `\`${name}\``,
      `\`${variableOf(name)}\``,
      row.type,
      defaultOf(row),
      row.description,
    ])
  return tableOf(['setting', 'environment', 'type', 'default', 'meaning'], rows)
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function defaultOf({ required, default: value, defaultText }: Option<unknown>): string {
  if (required === true) return ''
  if (defaultText !== undefined) return defaultText
  return value === undefined ? 'none' : `\`${typeof value === 'string' ? `'${value}'` : String(value)}\``
}

function kafkaOf({ kafka = [] }: Option<unknown>): string {
  return [kafka]
    .flat()
    .map((name) => (name.endsWith('.') ? `\`${name}\` prefix` : `\`${name}\``))
    .join(', ')
}
