import type { OperatorSpec, PairMapper, Predicate, SpecOf, ValueMapper } from '../../topology/operator-spec.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { NAMED, PRINT, operatorOptions } from '../options/option-tables.ts'
import type { Named } from '../options/operator-options.ts'
import { addToStream, streamAfter, type KeptParts } from './stream-operator.ts'

const SAME: KeptParts = { key: true, value: true }
const NEW_VALUE: KeptParts = { key: true, value: false }
const NEW_KEY: KeptParts = { key: false, value: true }
const NEW_RECORD: KeptParts = { key: false, value: false }

export function filter(stream: StreamHandle, predicate: Predicate, not: boolean, options?: Named): StreamHandle {
  const owner = not ? 'filterNot()' : 'filter()'
  return add(stream, owner, 'KSTREAM-FILTER-', { op: 'filter', predicate, not }, SAME, options)
}

export function map(stream: StreamHandle, mapper: PairMapper, options?: Named): StreamHandle {
  return add(stream, 'map()', 'KSTREAM-MAP-', { op: 'map', mapper }, NEW_RECORD, options)
}

export function mapValues(stream: StreamHandle, mapper: ValueMapper, options?: Named): StreamHandle {
  return add(stream, 'mapValues()', 'KSTREAM-MAPVALUES-', { op: 'mapValues', mapper }, NEW_VALUE, options)
}

export function flatMap(stream: StreamHandle, mapper: SpecOf<'flatMap'>['mapper'], options?: Named): StreamHandle {
  return add(stream, 'flatMap()', 'KSTREAM-FLATMAP-', { op: 'flatMap', mapper }, NEW_RECORD, options)
}

export function flatMapValues(
  stream: StreamHandle,
  mapper: SpecOf<'flatMapValues'>['mapper'],
  options?: Named,
): StreamHandle {
  return add(stream, 'flatMapValues()', 'KSTREAM-FLATMAPVALUES-', { op: 'flatMapValues', mapper }, NEW_VALUE, options)
}

export function selectKey(stream: StreamHandle, mapper: ValueMapper, options?: Named): StreamHandle {
  return add(stream, 'selectKey()', 'KSTREAM-KEY-SELECT-', { op: 'selectKey', mapper }, NEW_KEY, options)
}

export function peek(stream: StreamHandle, action: SpecOf<'peek'>['action'], options?: Named): StreamHandle {
  return add(stream, 'peek()', 'KSTREAM-PEEK-', { op: 'peek', action }, SAME, options)
}

export function forEach(stream: StreamHandle, action: SpecOf<'forEach'>['action'], options?: Named): void {
  add(stream, 'forEach()', 'KSTREAM-FOREACH-', { op: 'forEach', action }, SAME, options)
}

export interface PrintTarget extends Named {
  readonly label?: string
  readonly write?: (line: string) => void
  readonly mapper?: ValueMapper
}

export function print(stream: StreamHandle, options: PrintTarget = {}): void {
  operatorOptions(PRINT, options, 'print()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-PRINTER-')
  const { label = stream.name, write = console.log, mapper } = options
  addToStream(stream, name, {}, { op: 'print', label, write, ...(mapper === undefined ? {} : { mapper }) })
}

function add(
  stream: StreamHandle,
  owner: string,
  prefix: string,
  operator: OperatorSpec,
  kept: KeptParts,
  options: Named = {},
): StreamHandle {
  operatorOptions(NAMED, options, owner)
  const name = stream.graph.names.orNext(options.name, prefix)
  const traits = { keyChanging: !kept.key, valueChanging: kept.key && !kept.value }
  return streamAfter(stream, addToStream(stream, name, traits, operator), kept)
}
