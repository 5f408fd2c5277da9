/** Copies data, with whatever stands for its bytes there. */
export function mapBytes(data: unknown, map: (bytes: Uint8Array) => unknown): unknown {
  if (data instanceof Uint8Array) return map(data)
  if (Array.isArray(data)) return data.map((each) => mapBytes(each, map))
  if (typeof data !== 'object' || data === null) return data
  const members = Object.entries(data).map(([name, value]: readonly [string, unknown]) => [name, mapBytes(value, map)])
  return Object.fromEntries(members)
}
