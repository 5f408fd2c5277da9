import { readFileSync } from 'node:fs'

let known: string | undefined

/** The version of this package, as npm knows it. */
export function packageVersion(): string {
  return (known ??= readVersion())
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
