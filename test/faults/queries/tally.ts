/** Examples of faults that are kept. */
const KEPT = 20

/** What became of the questions of a round. */
export class Tally {
  asked = 0
  /** Answers that were right, rows counted one by one. */
  right = 0
  /** Right answers of instances that did not have the task, so that they came from another one. */
  hops = 0
  /** The part of them that came while something was broken. */
  hopsUnderFaults = 0
  standbys = 0
  /** Connections that broke: the instance that was asked was killed, or closed. */
  cut = 0
  wrong = 0
  /** Absences of what is there. */
  nulls = 0
  /** Responses, errors among them, that came later than they should. */
  late = 0
  /** The longest time by which an answer came later than its timeout, ms. */
  overtime = 0
  /** By code: questions that were refused in time. */
  readonly refused = new Map<string, number>()
  readonly examples: string[] = []

  fault(kind: 'wrong' | 'nulls' | 'late', why: string): void {
    this[kind]++
    if (this.examples.length < KEPT) this.examples.push(`${kind}: ${why}`)
  }

  refuse(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }

  get refusals(): number {
    return [...this.refused.values()].reduce((all, count) => all + count, 0)
  }

  add(other: Tally): void {
    for (const name of COUNTS) this[name] += other[name]
    this.overtime = Math.max(this.overtime, other.overtime)
    for (const [code, count] of other.refused) this.refused.set(code, (this.refused.get(code) ?? 0) + count)
  }
}

const COUNTS = [
  'asked',
  'right',
  'hops',
  'hopsUnderFaults',
  'standbys',
  'cut',
  'wrong',
  'nulls',
  'late',
] as const satisfies readonly (keyof Tally)[]
