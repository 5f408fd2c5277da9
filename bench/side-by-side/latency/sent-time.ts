import { Headers } from '../../../src/index.ts'

const NAME = 'sent'

/** ms of a clock that all processes of this machine share, and that no one sets. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Headers that carry the time at which their record is sent; what is made of the record carries them on. */
export function sentNow(): Headers {
  const time = Buffer.allocUnsafe(8)
  time.writeDoubleLE(machineTime())
  return new Headers([{ name: NAME, value: time }])
}

/** @throws if the record does not say when it was sent */
export function sentTime(headers: Headers): number {
  const time = headers.get(NAME)
  if (time?.length !== 8) throw new Error('a record arrived that does not carry the time at which it was sent')
  return time.readDoubleLE()
}
