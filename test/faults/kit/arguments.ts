/** @throws if the value of an option is none of those that are known */
export function oneOf<const T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value)
  if (found === undefined) throw new Error(`--${name} is one of ${known.join(', ')}, not ${value}`)
  return found
}

/** @throws if the value of an option is no whole number from 1 on */
export function wholeNumber(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} is a whole number from 1 on, not ${value}`)
  return number
}

/** `kill 2, pause 1` */
export function counted(counts: Iterable<readonly [string, number]>): string {
  return Array.from(counts, ([kind, count]) => `${kind} ${count}`).join(', ')
}
