import { InvalidArgumentError } from 'commander'
import { MillraceError } from '../errors.ts'
import { parseDuration } from '../options/duration.ts'

/** `host:port,host:port` as a list. */
export function parseBrokers(text: string): string[] {
  const brokers = text.split(',').map((each) => each.trim())
  for (const broker of brokers) {
    const port = Number(/^(?:\[[0-9a-fA-F:]+\]|[^\s:]+):(\d{1,5})$/.exec(broker)?.[1] ?? 0)
    if (port < 1 || port > 65_535) {
      throw new InvalidArgumentError(`"${broker}" is not HOST:PORT, as in localhost:9092`)
    }
  }
  return brokers
}

/** A duration in ms. */
export function parseTime(text: string): number {
  try {
    return parseDuration(text, 'the time')
  } catch (error) {
    throw new InvalidArgumentError(error instanceof MillraceError && error.hint !== undefined ? error.hint : '')
  }
}

/** A number of threads. */
export function parseThreads(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(`"${text}" is not a number from 1 on`)
}
