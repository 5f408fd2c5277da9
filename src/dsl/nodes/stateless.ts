import type { PairMapper, Predicate, ValueMapper } from '../../topology/operator-spec.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { NAMED, PRINT, operatorOptions } from '../options/option-tables.ts'
import type { Named } from '../options/operator-options.ts'
import { addToStream, streamAfter } from './stream-operator.ts'

export function filter(stream: StreamHandle, predicate: Predicate, not: boolean, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, not ? 'filterNot()' : 'filter()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-FILTER-')
  const node = addToStream(stream, name, {}, { op: 'filter', predicate, not })
  return streamAfter(stream, node, { key: true, value: true })
}

export function map(stream: StreamHandle, mapper: PairMapper, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'map()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-MAP-')
  const node = addToStream(stream, name, { keyChanging: true }, { op: 'map', mapper })
  return streamAfter(stream, node, { key: false, value: false, newKey: true })
}

export function mapValues(stream: StreamHandle, mapper: ValueMapper, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'mapValues()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-MAPVALUES-')
  const node = addToStream(stream, name, { valueChanging: true }, { op: 'mapValues', mapper })
  return streamAfter(stream, node, { key: true, value: false })
}

export function flatMap(
  stream: StreamHandle,
  mapper: (value: unknown, key: unknown) => Iterable<readonly [unknown, unknown]>,
  options: Named = {},
): StreamHandle {
  operatorOptions(NAMED, options, 'flatMap()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-FLATMAP-')
  const node = addToStream(stream, name, { keyChanging: true }, { op: 'flatMap', mapper })
  return streamAfter(stream, node, { key: false, value: false, newKey: true })
}

export function flatMapValues(
  stream: StreamHandle,
  mapper: (value: unknown, key: unknown) => Iterable<unknown>,
  options: Named = {},
): StreamHandle {
  operatorOptions(NAMED, options, 'flatMapValues()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-FLATMAPVALUES-')
  const node = addToStream(stream, name, { valueChanging: true }, { op: 'flatMapValues', mapper })
  return streamAfter(stream, node, { key: true, value: false })
}

export function selectKey(stream: StreamHandle, mapper: ValueMapper, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'selectKey()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-KEY-SELECT-')
  const node = addToStream(stream, name, { keyChanging: true }, { op: 'selectKey', mapper })
  return streamAfter(stream, node, { key: false, value: true, newKey: true })
}

export function peek(
  stream: StreamHandle,
  action: (value: unknown, key: unknown) => void,
  options: Named = {},
): StreamHandle {
  operatorOptions(NAMED, options, 'peek()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-PEEK-')
  const node = addToStream(stream, name, {}, { op: 'peek', action })
  return streamAfter(stream, node, { key: true, value: true })
}

export function forEach(
  stream: StreamHandle,
  action: (value: unknown, key: unknown) => void,
  options: Named = {},
): void {
  operatorOptions(NAMED, options, 'forEach()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-FOREACH-')
  addToStream(stream, name, {}, { op: 'forEach', action })
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
