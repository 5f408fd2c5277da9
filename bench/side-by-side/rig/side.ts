export type Side = 'java' | 'millrace'

/** Those to run, in turn: both, or the only one that is asked for. */
export function sidesOf(only: string | undefined): readonly Side[] {
  return (['java', 'millrace'] as const).filter((side) => (only ?? side) === side)
}
