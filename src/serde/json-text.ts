import { MillraceError } from '../errors.ts'
import { firstDifference } from './first-difference.ts'
import { jsonLoss, type JsonLoss } from './json-loss.ts'
import { Fidelity, fidelityOf, hiddenDifference } from './plain-json.ts'
import { roundTrip, wrongType } from './serde-error.ts'

/** What a topic gets. @throws MR_SERDE_ROUND_TRIP if something would be lost; `TypeError` for values without JSON */
export function jsonText(value: unknown): string {
  if (fidelityOf(value) === Fidelity.doubtful) checkNothingLost(value)
  const text: string | undefined = JSON.stringify(value)
  // `null` on the wire is not a JSON text: what comes out as one (a toJSON that answers null) would be lost.
  if (text === undefined || text === 'null') throw wrongType('json', 'a value that JSON can hold', value)
  return text
}

/** `Serde.survives` of JSON: what a store is given must come back as it is. */
export function survivesJson(value: unknown, closely: boolean): boolean {
  const fidelity = fidelityOf(value)
  let difference: string | undefined
  if (fidelity === Fidelity.doubtful) difference = differenceReadBack(value)
  else if (closely) difference = hiddenDifference(value)
  if (difference !== undefined) throw roundTrip('json', difference)
  return fidelity === Fidelity.exact
}

function differenceReadBack(value: unknown): string | undefined {
  const { bigint } = lossOf(value)
  if (bigint !== undefined) return `${bigint}: JSON has no bigint`
  const text: string | undefined = JSON.stringify(value)
  return firstDifference(value, text === undefined ? undefined : JSON.parse(text))
}

function checkNothingLost(value: unknown): void {
  // These are values of another type, of which `JSON.stringify` makes nothing.
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') return
  const { lost, bigint } = lossOf(value)
  if (bigint !== undefined) throw new TypeError(`json: ${bigint}: JSON has no bigint`)
  if (lost === undefined) return
  throw new MillraceError('MR_SERDE_ROUND_TRIP', `json: this would be lost: ${lost}`, {
    hint: 'Write what JSON can hold: null for what is not there, a list for a Set, an object for a Map; a class may have a toJSON.',
  })
}

function lossOf(value: unknown): JsonLoss {
  try {
    return jsonLoss(value)
  } catch (error) {
    // It holds itself: `JSON.stringify` says so.
    if (error instanceof RangeError) return { lost: undefined, bigint: undefined }
    throw error
  }
}
