import { GraphNode, type NodeTraits } from '../../topology/graph/graph-node.ts'
import type { AsyncFunction, SpecOf } from '../../topology/operator-spec.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import type { CallStoreSpec } from '../../topology/store-spec.ts'
import { erasedAsync } from '../options/functions.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { ASYNC, operatorOptions } from '../options/option-tables.ts'
import type { MapAsyncOptions } from '../options/operator-options.ts'
import { streamAfter } from './stream-operator.ts'

type Form = SpecOf<'async'>['form']
type Options = MapAsyncOptions<unknown, unknown, unknown, unknown>

/** What the DSL calls each form, and what it does to a record. */
const FORMS: Readonly<Record<Form, { readonly method: string; readonly prefix: string; readonly traits: NodeTraits }>> =
  {
    map: { method: 'mapAsync()', prefix: 'KSTREAM-MAPASYNC-', traits: { keyChanging: true } },
    mapValues: { method: 'mapValuesAsync()', prefix: 'KSTREAM-MAPVALUESASYNC-', traits: { valueChanging: true } },
    flatMapValues: {
      method: 'flatMapValuesAsync()',
      prefix: 'KSTREAM-FLATMAPVALUESASYNC-',
      traits: { valueChanging: true },
    },
    forEach: { method: 'forEachAsync()', prefix: 'KSTREAM-FOREACHASYNC-', traits: {} },
  }

/** A step that calls a service for each record, and the store of what has not left it. */
export function callAsync(
  stream: StreamHandle,
  form: Form,
  fn: (...args: never) => unknown,
  options: Options = {},
): StreamHandle {
  const { method, prefix, traits } = FORMS[form]
  const call: AsyncFunction = erasedAsync(fn, `the call of ${method}`)
  const { name: given, store: givenStore, align, retry, ...read } = operatorOptions(ASYNC, options, method)
  const { graph } = stream
  const name = graph.names.orNext(given, prefix)
  const store = givenStore ?? (given === undefined ? graph.names.nextStore(prefix) : `${given}-store`)
  const keySerde = read.inputKey ?? stream.keySerde
  const { concurrency, timeout, sameKey, emit, drainTimeout } = read
  const policy = { concurrency, timeout, sameKey, emit, drainTimeout, ...(retry ?? NO_RETRY) }
  const node = new GraphNode(name, traits, (writer, self) => {
    writer.addProcessor(name, { op: 'async', form, call, store, align, policy }, self.parentNames())
    const purpose = `the store "${store}" of records whose call has not ended`
    const { settings } = writer
    const spec: CallStoreSpec = {
      kind: 'calls',
      name: store,
      keySerde: requiredInternalSerde(settings, 'key', keySerde, name, purpose, 'inputKey'),
      valueSerde: requiredInternalSerde(
        settings,
        'value',
        read.inputValue ?? stream.valueSerde,
        name,
        purpose,
        'inputValue',
      ),
      persistent: true,
      logging: {},
      caching: false,
    }
    writer.addStore(spec, givenStore === undefined && given === undefined, name)
  })
  graph.add(stream.node, node)
  const after = streamAfter(stream, node, { key: form !== 'map', value: false })
  return { ...after, keySerde: form === 'map' ? read.key : keySerde, valueSerde: read.value }
}

const NO_RETRY = { attempts: 1, backoff: 0, maxBackoff: 0, retryOn: undefined }
