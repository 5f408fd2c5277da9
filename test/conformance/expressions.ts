import { Windowed } from '../../src/index.ts'

/*
 * The functions that scenarios name: expressions over (key, value), and functions of two and three arguments. A
 * function's type follows from the types it is applied to, and decides the serde behind it.
 */

export type DataType = 'string' | 'long' | 'boolean' | WindowedType | ListType

export interface WindowedType {
  readonly windowed: DataType
  /** Size for the key's serde; null: a session. */
  readonly size: number | null
}

export interface ListType {
  readonly list: DataType
}

export interface Expression {
  readonly type: DataType
  readonly evaluate: (value: unknown, key: unknown) => unknown
}

export function show(x: unknown): string {
  if (x === null || x === undefined) return 'null'
  if (x instanceof Windowed) return `${show(x.key)}@${x.start}/${x.end}`
  return String(x)
}

/** `source|f|g:arg|…`, applied from left to right. */
export function expression(text: string, keyType: DataType, valueType: DataType): Expression {
  const [source = '', ...parts] = text.split('|')
  let result = sourceExpression(source, keyType, valueType)
  for (const part of parts) result = apply(result, part)
  return result
}

function sourceExpression(source: string, keyType: DataType, valueType: DataType): Expression {
  switch (source) {
    case 'k':
      return { type: keyType, evaluate: (_value, key) => key }
    case 'v':
      return { type: valueType, evaluate: (value) => value }
    case 'kv':
      return { type: 'string', evaluate: (value, key) => `${show(key)}:${show(value)}` }
    default:
      throw new Error(`unknown source ${source}`)
  }
}

function apply(input: Expression, part: string): Expression {
  const colon = part.indexOf(':')
  const name = colon === -1 ? part : part.slice(0, colon)
  const arg = colon === -1 ? '' : part.slice(colon + 1)
  const step = unary(name, arg, input.type)
  return { type: step.type, evaluate: (value, key) => step.run(input.evaluate(value, key)) }
}

interface Unary {
  readonly type: DataType
  readonly run: (x: unknown) => unknown
}

const onString = (run: (text: string) => unknown) => (x: unknown) => (typeof x === 'string' ? run(x) : null)
const onLong = (run: (n: number) => unknown) => (x: unknown) => (typeof x === 'number' ? run(x) : null)

function unary(name: string, arg: string, type: DataType): Unary {
  const n = Number(arg)
  switch (name) {
    case 'id':
      return { type, run: (x) => x }
    case 'upper':
      return { type: 'string', run: onString((s) => s.toUpperCase()) }
    case 'lower':
      return { type: 'string', run: onString((s) => s.toLowerCase()) }
    case 'reverse':
      return { type: 'string', run: onString((s) => s.split('').toReversed().join('')) }
    case 'append':
      return { type: 'string', run: (x) => show(x) + arg }
    case 'prepend':
      return { type: 'string', run: (x) => arg + show(x) }
    case 'firstChar':
      return { type: 'string', run: onString((s) => s.slice(0, 1)) }
    case 'rest':
      return { type: 'string', run: onString((s) => s.slice(1)) }
    case 'field':
      return { type: 'string', run: onString((s) => s.split(',')[n] || null) }
    case 'len':
      return { type: 'long', run: (x) => (typeof x === 'string' ? x.length : 0) }
    case 'toLong':
      return { type: 'long', run: onString((s) => (/^-?[0-9]{1,15}$/.test(s) ? Number(s) + 0 : null)) }
    case 'show':
      return { type: 'string', run: show }
    case 'add':
      return { type: 'long', run: onLong((x) => x + n) }
    case 'mul':
      return { type: 'long', run: onLong((x) => x * n) }
    case 'mod':
      return { type: 'long', run: onLong((x) => ((x % n) + n) % n) }
    case 'nullIf':
      return { type, run: (x) => (show(x) === arg ? null : x) }
    case 'const':
      return { type: 'string', run: () => arg }
    case 'constLong':
      return { type: 'long', run: () => n }
    case 'nullString':
      return { type: 'string', run: () => null }
    case 'nullLong':
      return { type: 'long', run: () => null }
    case 'throwIf':
      return {
        type,
        run: (x) => {
          if (show(x) === arg) throw new Error(`throwIf ${arg}`)
          return x
        },
      }
    default:
      return windowPart(name, type) ?? listOf(name, type) ?? test(name, arg)
  }
}

function windowPart(name: string, type: DataType): Unary | undefined {
  const part = (read: (key: Windowed<unknown>) => unknown) => (x: unknown) => (x instanceof Windowed ? read(x) : null)
  switch (name) {
    case 'wkey':
      return {
        type: typeof type === 'object' && 'windowed' in type ? type.windowed : type,
        run: part((key) => key.key),
      }
    case 'wstart':
      return { type: 'long', run: part((key) => key.start) }
    case 'wend':
      return { type: 'long', run: part((key) => key.end) }
    default:
      return undefined
  }
}

function listOf(name: string, type: DataType): Unary | undefined {
  const parts = (separator: string) => (x: unknown) =>
    typeof x === 'string' ? x.split(separator).map((part) => (part === '~' ? null : part)) : []
  switch (name) {
    case 'splitChars':
      return { type: { list: 'string' }, run: parts('') }
    case 'splitComma':
      return { type: { list: 'string' }, run: parts(',') }
    case 'dup':
      return { type: { list: type }, run: (x) => [x, x] }
    case 'none':
      return { type: { list: type }, run: () => [] }
    default:
      return undefined
  }
}

function test(name: string, arg: string): Unary {
  const run = predicate(name, arg)
  return { type: 'boolean', run }
}

function predicate(name: string, arg: string): (x: unknown) => boolean {
  const n = Number(arg)
  const ofString = (holds: (s: string) => boolean) => (x: unknown) => typeof x === 'string' && holds(x)
  const ofLong = (holds: (x: number) => boolean) => (x: unknown) => typeof x === 'number' && holds(x)
  switch (name) {
    case 'isNull':
      return (x) => x === null
    case 'notNull':
      return (x) => x !== null
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'eq':
      return (x) => show(x) === arg
    case 'ne':
      return (x) => show(x) !== arg
    case 'startsWith':
      return ofString((s) => s.startsWith(arg))
    case 'contains':
      return ofString((s) => s.includes(arg))
    case 'lenGt':
      return ofString((s) => s.length > n)
    case 'isEven':
      return ofLong((x) => x % 2 === 0)
    case 'isOdd':
      return ofLong((x) => x % 2 !== 0)
    case 'gt':
      return ofLong((x) => x > n)
    case 'lt':
      return ofLong((x) => x < n)
    default:
      throw new Error(`unknown function ${name}`)
  }
}

export interface TypedFunction<F> {
  readonly type: DataType
  readonly run: F
}

const long = (x: unknown): number => (typeof x === 'number' ? x : 0)
const argumentOf = (text: string): string => text.slice(text.indexOf(':') + 1)

export function joiner(
  name: string,
  left: DataType,
  right: DataType,
): TypedFunction<(a: unknown, b: unknown, key?: unknown) => unknown> {
  const concat = (a: unknown, b: unknown): string => `${show(a)}+${show(b)}`
  switch (name) {
    case 'concat':
      return { type: 'string', run: concat }
    case 'keyConcat':
      return { type: 'string', run: (a, b, key) => `${show(key)}:${concat(a, b)}` }
    case 'sum':
      return { type: 'long', run: (a, b) => long(a) + long(b) }
    case 'left':
      return { type: left, run: (a) => a }
    case 'right':
      return { type: right, run: (_a, b) => b }
    case 'nullIfRightNull':
      return { type: 'string', run: (a, b) => (b === null ? null : concat(a, b)) }
    case 'nullIfEqual':
      return { type: 'string', run: (a, b) => (show(a) === show(b) ? null : concat(a, b)) }
    default:
      throw new Error(`unknown joiner ${name}`)
  }
}

export function reducer(name: string): (aggregate: unknown, value: unknown) => unknown {
  const arg = argumentOf(name)
  switch (name.split(':')[0]) {
    case 'concat':
      return (aggregate, value) => `${show(aggregate)}+${show(value)}`
    case 'minus':
      return (aggregate, value) => `${show(aggregate)}-${show(value)}`
    case 'sum':
      return (aggregate, value) => long(aggregate) + long(value)
    case 'sub':
      return (aggregate, value) => long(aggregate) - long(value)
    case 'min':
      return (aggregate, value) => Math.min(long(aggregate), long(value))
    case 'max':
      return (aggregate, value) => Math.max(long(aggregate), long(value))
    case 'last':
      return (_aggregate, value) => value
    case 'first':
      return (aggregate) => aggregate
    case 'sumNullAt':
      return (aggregate, value) => nullAt(long(aggregate) + long(value), Number(arg))
    case 'concatNullOn':
      return (aggregate, value) => (show(value) === arg ? null : `${show(aggregate)}+${show(value)}`)
    default:
      throw new Error(`unknown reducer ${name}`)
  }
}

export function aggregator(name: string): TypedFunction<(aggregate: unknown, value: unknown, key: unknown) => unknown> {
  const arg = argumentOf(name)
  switch (name.split(':')[0]) {
    case 'plus':
      return { type: 'string', run: (aggregate, value) => `${show(aggregate)}+${show(value)}` }
    case 'minus':
      return { type: 'string', run: (aggregate, value) => `${show(aggregate)}-${show(value)}` }
    case 'keyed':
      return { type: 'string', run: (aggregate, value, key) => `${show(aggregate)}[${show(key)}:${show(value)}]` }
    case 'sum':
      return { type: 'long', run: (aggregate, value) => long(aggregate) + long(value) }
    case 'sub':
      return { type: 'long', run: (aggregate, value) => long(aggregate) - long(value) }
    case 'count':
      return { type: 'long', run: (aggregate) => long(aggregate) + 1 }
    case 'uncount':
      return { type: 'long', run: (aggregate) => long(aggregate) - 1 }
    case 'plusNullOn':
      return {
        type: 'string',
        run: (aggregate, value) => (show(value) === arg ? null : `${show(aggregate)}+${show(value)}`),
      }
    case 'sumNullAt':
      return { type: 'long', run: (aggregate, value) => nullAt(long(aggregate) + long(value), Number(arg)) }
    default:
      throw new Error(`unknown aggregator ${name}`)
  }
}

export function merger(name: string): (aggregate: unknown, other: unknown, key: unknown) => unknown {
  switch (name) {
    case 'concat':
      return (aggregate, other) => `${show(aggregate)}|${show(other)}`
    case 'keyed':
      return (aggregate, other, key) => `${show(key)}(${show(aggregate)}|${show(other)})`
    case 'sum':
      return (aggregate, other) => long(aggregate) + long(other)
    default:
      throw new Error(`unknown merger ${name}`)
  }
}

function nullAt(sum: number, at: number): number | null {
  return sum === at ? null : sum
}
