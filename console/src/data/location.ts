import { signal } from '@preact/signals'

/** Where in the console the page is: `#/stores/totals?key=alice` is `['stores', 'totals']` with a parameter. */
export interface Place {
  readonly path: readonly string[]
  readonly query: URLSearchParams
}

export const place = signal<Place>(placeOf(location.hash))

addEventListener('hashchange', () => {
  place.value = placeOf(location.hash)
})

function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return {
    path: path
      .split('/')
      .filter((part) => part !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function hrefOf(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `#/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}
