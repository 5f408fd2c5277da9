/**
 * The metadata string beside a committed offset: the partition's time and named numbers of the task's operators (Kafka
 * Streams' format 2: base64 of `0x02 ‖ partition time(8) ‖ [count(4) ‖ (length(4) ‖ UTF-8 name ‖ value(8))…]`).
 */
export interface OffsetMetadata {
  readonly partitionTime: number
  readonly times: ReadonlyMap<string, number>
}

const FORMAT = 2

export function encodeOffsetMetadata(partitionTime: number, times: ReadonlyMap<string, number>): string {
  const names = [...times.keys()].map((name) => Buffer.from(name, 'utf8'))
  const size = 9 + (names.length === 0 ? 0 : 4 + names.reduce((sum, name) => sum + 12 + name.length, 0))
  const bytes = Buffer.allocUnsafe(size)
  bytes[0] = FORMAT
  bytes.writeBigInt64BE(BigInt(partitionTime), 1)
  if (names.length === 0) return bytes.toString('base64')
  let at = bytes.writeInt32BE(names.length, 9)
  let index = 0
  for (const value of times.values()) {
    const name = names[index++] as Buffer
    at = bytes.writeInt32BE(name.length, at)
    at += name.copy(bytes, at)
    at = bytes.writeBigInt64BE(BigInt(value), at)
  }
  return bytes.toString('base64')
}

/** Undefined for an empty string, another format or damaged bytes: the task then starts without remembered times. */
export function decodeOffsetMetadata(text: string): OffsetMetadata | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < 9) return undefined
  const format = bytes[0]
  if (format !== 1 && format !== FORMAT) return undefined
  const partitionTime = Number(bytes.readBigInt64BE(1))
  const times = new Map<string, number>()
  if (format === FORMAT && bytes.length >= 13) {
    const count = bytes.readInt32BE(9)
    let at = 13
    for (let i = 0; i < count; i++) {
      if (at + 4 > bytes.length) return undefined
      const length = bytes.readInt32BE(at)
      if (length < 0 || at + 12 + length > bytes.length) return undefined
      times.set(bytes.toString('utf8', at + 4, at + 4 + length), Number(bytes.readBigInt64BE(at + 4 + length)))
      at += 12 + length
    }
  }
  return { partitionTime, times }
}
