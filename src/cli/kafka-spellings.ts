import { MillraceError } from '../errors/millrace-error.ts'

/** The commands whose options may be spelt as those of kafka-topics.sh, kafka-console-producer.sh and their like. */
type Spelt = 'topics' | 'produce' | 'consume' | 'groups'

/** What an option of Kafka's tools becomes: another name, or what its value says. */
type Spelling = { readonly as: string } | { readonly read: (value: string, into: Rewritten) => void }

/** A command line on its way to the names of this command. */
interface Rewritten {
  readonly args: string[]
  /** Options that properties have become: they stand before a `--` of the user's. */
  readonly options: string[]
  /** The topic or group, which is an argument here. */
  readonly subjects: string[]
  action: string | undefined
  readonly properties: Map<string, string>
}

const COMMON: Readonly<Record<string, Spelling>> = {
  '--bootstrap-server': { as: '--kafka' },
  '--bootstrap-servers': { as: '--kafka' },
  '--broker-list': { as: '--kafka' },
  '--command-config': { as: '--kafka-config' },
}

const topic: Spelling = { read: (value, { subjects }) => void subjects.push(value) }
const property: Spelling = { read: readProperty }
const clientProperty: Spelling = { read: readClientProperty }

const SPELLINGS: Readonly<Record<Spelt, Readonly<Record<string, Spelling>>>> = {
  topics: { ...COMMON, '--topic': topic },
  produce: {
    ...COMMON,
    '--topic': topic,
    '--producer.config': { as: '--kafka-config' },
    '--property': property,
    '--reader-property': property,
    '--producer-property': clientProperty,
    '--command-property': clientProperty,
    '--request-required-acks': { read: (value) => readClientProperty(`acks=${value}`) },
  },
  consume: {
    ...COMMON,
    '--topic': topic,
    '--consumer.config': { as: '--kafka-config' },
    '--max-messages': { as: '--limit' },
    '--timeout-ms': { as: '--timeout' },
    '--property': property,
    '--formatter-property': property,
    '--consumer-property': clientProperty,
    '--command-property': clientProperty,
    '--key-deserializer': { read: (value, { properties }) => void properties.set('key.deserializer', value) },
    '--value-deserializer': { read: (value, { properties }) => void properties.set('value.deserializer', value) },
    '--isolation-level': { read: (value, into) => readClientProperty(`isolation.level=${value}`, into) },
  },
  groups: { ...COMMON, '--group': { read: (value, { subjects }) => void subjects.push(value) } },
}

/** Options without a value that say nothing here: what they ask for is done in any case. */
const DROPPED: Readonly<Record<Spelt, readonly string[]>> = {
  topics: ['--exclude-internal'],
  produce: ['--sync'],
  consume: [],
  groups: ['--verbose'],
}

/** What is an option of Kafka's tools, and a command of its own here. */
const ACTIONS: Readonly<Partial<Record<Spelt, readonly string[]>>> = {
  topics: ['create', 'list', 'describe', 'alter', 'delete'],
  groups: ['list', 'describe', 'delete', 'reset-offsets'],
}

/**
 * Rewrites a command line that is spelt as one of Kafka's tools: `produce --topic payments --bootstrap-server
 * broker:9092 --property parse.key=true` is `produce payments --kafka broker:9092 --key-separator TAB`. Others stay as
 * they are.
 *
 * @throws MR_CLI_USAGE for a property that cannot be had
 */
export function fromKafkaSpelling(argv: readonly string[]): readonly string[] {
  const [command = '', ...given] = argv
  if (!Object.hasOwn(SPELLINGS, command)) return argv
  const spelt = command as Spelt
  const into: Rewritten = { args: [], options: [], subjects: [], action: undefined, properties: new Map() }
  const actions = ACTIONS[spelt] ?? []
  for (let at = 0; at < given.length; at++) {
    const [name = '', inline] = splitOption(given[at]!)
    const spelling = SPELLINGS[spelt][name]
    if (name === '--') {
      into.args.push(...given.slice(at))
      break
    }
    if (DROPPED[spelt].includes(name)) continue
    if (into.action === undefined && inline === undefined && actions.includes(name.slice(2)) && name.startsWith('--'))
      into.action = name.slice(2)
    else if (spelling === undefined) into.args.push(given[at]!)
    else {
      const value = inline ?? given[++at]
      if (value === undefined)
        throw new MillraceError('MR_CLI_USAGE', `option '${name}' argument missing`, { hint: HELP })
      if ('as' in spelling) into.args.push(spelling.as, value)
      else spelling.read(value, into)
    }
  }
  readProperties(spelt, into)
  return [spelt, ...(into.action === undefined ? [] : [into.action]), ...placed(into)]
}

const HELP = 'Run millrace COMMAND --help to see its options.'

/** Subjects come before other arguments: `produce TOPIC FILE`, and behind a command that was named: `topics delete`. */
function placed({ args, options, subjects, action }: Rewritten): readonly string[] {
  const [first = '', ...rest] = args
  const isCommand = action === undefined && subjects.length > 0 && COMMANDS.has(first)
  return isCommand ? [first, ...subjects, ...options, ...rest] : [...subjects, ...options, ...args]
}

const COMMANDS: ReadonlySet<string> = new Set(Object.values(ACTIONS).flat())

function splitOption(arg: string): readonly [name: string, inline?: string] {
  const at = arg.startsWith('--') ? arg.indexOf('=') : -1
  return at === -1 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)]
}

function splitProperty(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw cannot(`the property ${JSON.stringify(text)} has no value`, 'Write NAME=VALUE.')
  return [text.slice(0, at), text.slice(at + 1)]
}

function readProperty(text: string, { properties }: Rewritten): void {
  properties.set(...splitProperty(text))
}

/** Reads a property of a producer or consumer: what is the case anyway, or what has an option here. */
function readClientProperty(text: string, into?: Rewritten): void {
  const [name, value] = splitProperty(text)
  if (name === 'acks') {
    if (value === 'all' || value === '-1') return
    throw cannot(`acks=${value} is not offered`, 'Leave it out: all replicas in sync acknowledge every record.')
  }
  if (name === 'isolation.level') {
    if (value === 'read_committed') return
    throw cannot(`isolation.level=${value} is not offered`, 'Leave it out: committed records alone are read.')
  }
  if (name === 'group.id' && into !== undefined) return void into.options.push('--group', value)
  if (name === 'auto.offset.reset' && into !== undefined) {
    if (value === 'earliest') into.options.push('--from-beginning')
    return
  }
  throw cannot(`the property ${name} is not offered`, 'Leave it out, or look for an option in the help of the command.')
}

/** Properties of lines that are read and printed, as options. */
function readProperties(command: Spelt, { properties, options }: Rewritten): void {
  const isTrue = (name: string): boolean => properties.get(name)?.trim().toLowerCase() === 'true'
  const take = (name: string): string | undefined => {
    const value = properties.get(name)
    properties.delete(name)
    return value
  }
  if (command === 'produce') {
    const separator = properties.get('key.separator')
    if (isTrue('parse.key')) options.push('--key-separator', separator ?? '\t')
    if (isTrue('parse.headers')) options.push('--with-headers')
    const marker = take('null.marker')
    if (marker !== undefined) options.push('--null', marker)
    for (const name of ['parse.key', 'key.separator', 'parse.headers']) properties.delete(name)
  }
  if (command === 'consume') {
    for (const column of ['key', 'headers', 'timestamp', 'partition', 'offset'])
      if (isTrue(`print.${column}`)) options.push(`--print-${column}`)
    if (properties.has('print.value') && !isTrue('print.value')) options.push('--without-value')
    for (const column of COLUMNS) properties.delete(`print.${column}`)
    const separator = take('key.separator')
    if (separator !== undefined) options.push('--key-separator', separator)
    const literal = take('null.literal')
    if (literal !== undefined) options.push('--null', literal)
    for (const part of ['key', 'value']) {
      const deserializer = take(`${part}.deserializer`)
      if (deserializer !== undefined) options.push(`--${part}`, formOf(deserializer))
    }
  }
  for (const name of properties.keys())
    throw cannot(
      `the property ${name} is not offered`,
      'Leave it out, or look for an option in the help of the command.',
    )
}

const COLUMNS = ['key', 'headers', 'timestamp', 'partition', 'offset', 'value']

const DESERIALIZERS: Readonly<Record<string, string>> = {
  String: 'text',
  Long: 'long',
  Integer: 'int',
  Double: 'double',
  ByteArray: 'text',
  Bytes: 'auto',
}

function formOf(deserializer: string): string {
  const name = /^org\.apache\.kafka\.common\.serialization\.(\w+)Deserializer$/.exec(deserializer)?.[1]
  const form = name === undefined ? undefined : DESERIALIZERS[name]
  if (form !== undefined) return form
  throw cannot(`the deserializer ${deserializer} is not offered`, 'Choose a form by --key and --value.')
}

function cannot(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_USAGE', message, { hint })
}
