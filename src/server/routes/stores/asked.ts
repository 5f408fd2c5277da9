import { MillraceError } from '../../../errors/millrace-error.ts'
import type { AskedStore } from '../../../query/store-queries.ts'
import { kindOf } from '../../../query/store-views.ts'
import type { Served } from '../../http/route.ts'
import { StoreKeys, type KeyForm } from './keys.ts'
import { ShownRows } from './rows.ts'

/** The kinds of stores that each list is of. */
const LISTS = {
  entries: ['keyValue', 'versioned'],
  windows: ['window'],
  sessions: ['session'],
  versions: ['versioned'],
} as const

export type ListOfStore = keyof typeof LISTS

/** A store that a request asks, with its keys in the form that the request chose. */
export interface Asked {
  readonly store: AskedStore
  readonly keys: StoreKeys
  readonly rows: ShownRows
}

/**
 * @param list one of these
 * @throws MR_STORE_UNKNOWN; MR_QUERY_KIND if the store has no such list
 */
export function asked(
  { streams }: Served,
  name: string,
  list: ListOfStore | readonly [ListOfStore, ...ListOfStore[]],
  form: KeyForm | undefined,
): Asked {
  const store = streams.askedStore(name)
  const lists = listsOf(store)
  const wanted = typeof list === 'string' ? ([list] as const) : list
  if (!lists.some((each) => wanted.includes(each))) throw otherKind(store, wanted[0], lists)
  const keys = new StoreKeys(store, form)
  return { store, keys, rows: new ShownRows(store, keys) }
}

/** Returns the lists that a store has. */
export function listsOf({ spec }: AskedStore): ListOfStore[] {
  const kind = kindOf(spec)
  return (Object.keys(LISTS) as ListOfStore[]).filter((list) => LISTS[list].some((each) => each === kind))
}

function otherKind({ name, spec }: AskedStore, list: ListOfStore, lists: readonly ListOfStore[]): MillraceError {
  return new MillraceError('MR_QUERY_KIND', `a store of kind ${spec.kind} has no ${list}`, {
    store: name,
    hint:
      lists.length === 0
        ? 'It is the buffer of an operator, which nobody can ask: ask the store of a table or of an aggregation.'
        : `It has ${lists.join(' and ')}.`,
  })
}
