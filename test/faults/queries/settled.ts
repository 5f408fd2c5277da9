import type { AskedStore } from './asker.ts'
import type { Instance } from './instance.ts'

/** Asks an instance for all rows of a store. Returns what they lack of everything that was written. */
export async function settledFault(instance: Instance, { name, truth, keys }: AskedStore): Promise<string | undefined> {
  const found = new Map<string, number>()
  let isWhole = false
  try {
    const headers = { accept: 'application/x-ndjson' }
    const response = await fetch(`${instance.url}/v1/stores/${name}/entries`, { headers })
    for (const line of (await response.text()).split('\n')) {
      if (line === '') continue
      const row = JSON.parse(line) as { readonly key: string; readonly value: number } | { readonly end: boolean }
      if ('key' in row) found.set(row.key, row.value)
      else isWhole = 'end' in row && row.end
    }
  } catch (error) {
    return `${instance.name} ${name}: ${error instanceof Error ? error.message : String(error)}`
  }
  const other = keys.find((key) => (found.get(key) ?? 0) !== truth.total(key))
  if (isWhole && other === undefined) return undefined
  const sample = other === undefined ? '' : `: ${other} is ${found.get(other)} of ${truth.total(other)}`
  return `${instance.name} ${name}: ${found.size} rows, whole: ${isWhole}${sample}`
}
