import { isIPv6 } from 'node:net'
import { option, type Option } from './options.ts'
import type { Place } from './option.ts'

/** Addresses that stand for every address of a machine. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '[::]', '[::ffff:0:0]', '*'])

/** The option for the address at which other instances reach this one, read as `HOST:PORT` with IPv6 in brackets. */
export const endpointOption: Option<string | undefined> = option<string>(
  '`HOST:PORT`',
  {
    description:
      '[where other instances reach this one](queries.md#finding-the-instance), which learn it from the group: ' +
      "a pod's IP, or a name that they can resolve",
    kafka: 'application.server',
  },
  (value, place) => {
    const [, host = '', digits = ''] = typeof value === 'string' ? (/^(.*):(\d+)$/s.exec(value) ?? []) : []
    const port = Number(digits)
    if (typeof value !== 'string' || digits === '' || host === '') throw place.refuse(value, hintFor(value))
    if (port < 1 || port > 65_535) throw place.refuse(value, 'Give a port from 1 to 65535: others must know it.')
    return `${canonicalHost(host, value, place)}:${port}`
  },
)

/** Returns a host in the one way of writing it: an IPv4 address with four numbers, IPv6 shortened, small letters. */
function canonicalHost(host: string, value: string, place: Place): string {
  if (isIPv6(host)) throw place.refuse(value, 'Put an IPv6 address in brackets, as in [2001:db8::1]:8080.')
  // What a template string makes of a variable that is not set.
  if (host === 'undefined' || host === 'null') throw place.refuse(value, 'The host is missing: is its variable set?')
  const isPlain = /^(\[[^\]]*\]|[^\s:/?#@%\\[\]]+)$/.test(host)
  const name = isPlain ? URL.parse(`http://${host}`)?.hostname : undefined
  if (name === undefined) throw place.refuse(value, hintFor(value))
  if (WILDCARDS.has(name)) {
    throw place.refuse(
      value,
      "Others cannot connect to every address of a machine. Give this one's: on Kubernetes the IP of the pod " +
        '(status.podIP), elsewhere the name or the IP of the host.',
    )
  }
  return name
}

function hintFor(value: unknown): string {
  return typeof value === 'string' && value.includes('://')
    ? 'Give HOST:PORT alone, without a scheme.'
    : 'Give HOST:PORT, as in 10.0.0.5:8080, pod-0.app:8080 or [2001:db8::1]:8080.'
}
