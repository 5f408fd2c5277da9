import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { askJson, asProblem, type Problem } from '../../data/api.ts'
import { hrefOf, place } from '../../data/location.ts'
import { totals } from '../../data/overview.ts'
import { rateText } from '../../data/text.ts'
import { Icon } from '../../ui/icons.tsx'
import { Empty, ProblemNote } from '../../ui/parts.tsx'
import { StoreBrowser } from './store-browser.tsx'

interface StoreHead {
  readonly name: string
  readonly kind: string
  readonly global: boolean
  readonly keySerde: string
  readonly valueSerde: string
}

const KINDS: Readonly<Record<string, string>> = {
  keyValue: 'key-value',
  window: 'windows',
  session: 'sessions',
  versioned: 'versions',
}

/** What stores hold: all stores, and the rows of one. */
export function StoresPage(): JSX.Element {
  const [stores, setStores] = useState<readonly StoreHead[] | undefined>(undefined)
  const [problem, setProblem] = useState<Problem | undefined>(undefined)
  useEffect(() => {
    askJson<{ stores: StoreHead[] }>('v1/stores').then(
      ({ stores }) => setStores(stores),
      (error: unknown) => setProblem(asProblem(error)),
    )
  }, [])
  const [, selected] = place.value.path
  if (problem !== undefined) return <ProblemNote problem={problem} />
  if (stores === undefined) return <div class="page" />
  if (stores.length === 0) return <Empty title="No stores">The application keeps no state.</Empty>
  const name = stores.find(({ name }) => name === selected)?.name ?? stores.find(isAsked)?.name
  return (
    <div class="page split">
      <nav class="panel list" aria-label="Stores">
        {stores.map((store) => (
          <a
            key={store.name}
            href={hrefOf(['stores', store.name])}
            aria-current={store.name === name ? 'true' : undefined}
          >
            <Icon name="store" />
            <span class="list-title">{store.name}</span>
            <span class="list-detail">
              {KINDS[store.kind] ?? store.kind}
              {store.global ? ', global' : ''} · {store.keySerde} → {store.valueSerde}
            </span>
            <span class="list-aside">{writesText(store.name)}</span>
          </a>
        ))}
      </nav>
      {name === undefined ? null : <StoreBrowser key={name} name={name} />}
    </div>
  )
}

/** Buffers of operators cannot be asked. */
function isAsked({ kind }: StoreHead): boolean {
  return KINDS[kind] !== undefined
}

/** Writes a second over all instances. */
function writesText(store: string): string {
  const rate = totals.value?.stores.get(store)
  return rate === undefined || rate === 0 ? '' : `${rateText(rate)}/s`
}
