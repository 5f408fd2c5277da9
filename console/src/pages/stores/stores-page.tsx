import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { askJson, asProblem, type Problem } from '../../data/api.ts'
import { hrefOf, place } from '../../data/location.ts'
import { overview } from '../../data/overview.ts'
import { bytesText, countText } from '../../data/text.ts'
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
            <span class="list-aside">{sizeText(store.name)}</span>
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

/** Rows and bytes over all instances, as the engines estimate them. */
function sizeText(store: string): string {
  const sum = (metric: string): number | undefined => {
    const series = (overview.value?.instances ?? []).flatMap(({ view }) => {
      const found = view?.metrics.find(({ name }) => name === metric)?.series ?? []
      return found.filter(({ labels }) => labels['store'] === store)
    })
    return series.length === 0 ? undefined : series.reduce((sum, { value = 0 }) => sum + value, 0)
  }
  const [rows, bytes] = [sum('millrace_store_entries'), sum('millrace_store_bytes')]
  return [rows === undefined ? '' : `~${countText(rows)}`, bytes === undefined ? '' : bytesText(bytes)]
    .filter((text) => text !== '')
    .join(' · ')
}
