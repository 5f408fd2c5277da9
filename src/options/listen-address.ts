import { isIPv6 } from 'node:net'
import type { Place } from './option.ts'

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

const FORM = /^(?:(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):)?(\d{1,5})$/

/** Reads a port, which is one of the loopback address, or `HOST:PORT`. */
export function readListenAddress(value: unknown, place: Place): ListenAddress {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : ''
  const [, given = '127.0.0.1', digits] = FORM.exec(text) ?? []
  const host = given.replace(/^\[(.*)\]$/, '$1')
  const port = Number(digits ?? Number.NaN)
  if (port <= 65_535 && (host === given || isIPv6(host))) return { host, port }
  throw place.refuse(value, "Give a port, as in '8080', or HOST:PORT, as in '0.0.0.0:8080' or '[::]:8080'.")
}
