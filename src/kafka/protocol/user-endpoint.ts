import type { Reader, Writer } from '@platformatic/kafka'

/**
 * Writes `HOST:PORT` as the streams group protocol has it (KIP-1071): in two fields, and an IPv6 address without its
 * brackets.
 */
export function writeEndpoint(writer: Writer, endpoint: string): void {
  const colon = endpoint.lastIndexOf(':')
  writer
    .appendString(endpoint.slice(0, colon).replace(/^\[(.*)\]$/, '$1'))
    .appendUnsignedInt16(Number(endpoint.slice(colon + 1)))
    .appendTaggedFields()
}

export function readEndpoint(reader: Reader): string {
  const host = reader.readString()
  const port = reader.readUnsignedInt16()
  reader.readTaggedFields()
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
