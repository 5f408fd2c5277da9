import { MillraceError } from '../../errors/millrace-error.ts'
import { Change } from '../../record/change.ts'
import { asBuffer } from '../byte-view.ts'
import { readInner, serialized } from '../call-serde.ts'
import type { Serde } from '../serde.ts'

/** The last byte, which says what precedes it. In the forms `…Latest`, a byte for `isLatest` (0 or 1) precedes it. */
const Flag = { old: 0, new: 1, both: 2, oldLatest: 3, newLatest: 4, bothLatest: 5 } as const

/**
 * Makes a serde for values of a grouped table's repartition topic, in Kafka Streams' bytes (KIP-904): `old 0x00`, `new
 * 0x01`, or `zigzag varint of the new value's length, new, old, 0x02`. The forms 3 to 5, which carry `isLatest`, are
 * read, too.
 */
export function changeSerde<V>(inner: Serde<V>): Serde<Change<V>> {
  const value = inner.internal ?? inner
  return {
    name: `change of ${inner.name}`,
    serialize(change) {
      const { newValue, oldValue } = change
      if (newValue === null) {
        if (oldValue === null) throw emptyChange()
        return withFlag(serialized(value, oldValue), Flag.old)
      }
      const added = serialized(value, newValue)
      return oldValue === null ? withFlag(added, Flag.new) : both(added, serialized(value, oldValue))
    },
    deserialize(bytes) {
      const buffer = asBuffer(bytes)
      return readChange(value, buffer, 0, buffer.length)
    },
    read: (buffer, start, end) => readChange(value, buffer, start, end),
  }
}

function readChange<V>(value: Serde<V>, buffer: Buffer, start: number, end: number): Change<V> {
  const flag = end > start ? buffer[end - 1]! : -1
  if (flag < Flag.old || flag > Flag.bothLatest) throw malformed(`its last byte is ${flag}`)
  const carriesLatest = flag >= Flag.oldLatest
  const stop = carriesLatest ? end - 2 : end - 1
  if (stop < start) throw malformed('it is too short')
  const latest = carriesLatest ? readLatest(buffer[stop]!) : true
  if (flag === Flag.old || flag === Flag.oldLatest)
    return new Change(null, readInner(value, buffer, start, stop), latest)
  if (flag === Flag.new || flag === Flag.newLatest)
    return new Change(readInner(value, buffer, start, stop), null, latest)

  let at = start
  let zigzag = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= stop || shift > 28) throw malformed('its length is cut off')
    const byte = buffer[at++]!
    zigzag |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  const length = (zigzag >>> 1) ^ -(zigzag & 1)
  const border = at + length
  if (length < 0 || border > stop) throw malformed(`its new value has ${length} bytes`)
  return new Change(readInner(value, buffer, at, border), readInner(value, buffer, border, stop), latest)
}

function readLatest(byte: number): boolean {
  if (byte > 1) throw malformed(`its isLatest is ${byte}`)
  return byte === 1
}

function withFlag(bytes: Uint8Array, flag: number): Buffer {
  const result = Buffer.allocUnsafe(bytes.length + 1)
  result.set(bytes, 0)
  result[bytes.length] = flag
  return result
}

function both(added: Uint8Array, removed: Uint8Array): Buffer {
  const zigzag = added.length * 2
  let size = 1
  for (let rest = zigzag; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  const result = Buffer.allocUnsafe(size + added.length + removed.length + 1)
  let at = 0
  let rest = zigzag
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) result[at++] = (rest & 0x7f) | 0x80
  result[at++] = rest
  result.set(added, at)
  result.set(removed, at + added.length)
  result[result.length - 1] = Flag.both
  return result
}

function emptyChange(): MillraceError {
  return new MillraceError('MR_SERIALIZE', 'a change has neither a new nor an old value', {
    hint: 'Let nothing else write to the repartition topics of grouped tables.',
  })
}

function malformed(why: string): MillraceError {
  return new MillraceError('MR_DESERIALIZE', `not a change of a grouped table: ${why}`, {
    hint: 'Find out whether something else writes to the repartition topic: it must hold only changes of the table.',
  })
}
