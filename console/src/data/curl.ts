import { tokenOf, urlOf, type Scope } from './api.ts'

/** Returns a command that asks the same. A token is left to the shell: it must not be seen in a history. */
export function curlOf(path: string, scope: Scope = 'data', accept?: string): string {
  const headers = [
    ...(tokenOf(scope) === undefined ? [] : [`-H "Authorization: Bearer $TOKEN"`]),
    ...(accept === undefined ? [] : [`-H 'Accept: ${accept}'`]),
  ]
  return ['curl', ...(accept === 'text/event-stream' ? ['-N'] : []), ...headers, quoted(urlOf(path).href)].join(' ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
