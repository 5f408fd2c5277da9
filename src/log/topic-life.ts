const ID = /^([^+]+)(\+[0-9a-f]+)?-\d+$/

/**
 * True for the ids of topics before and after the embedded log was restored from a backup, which gives it another id:
 * `<log>-<number>` becomes `<log>+<restore>-<number>`. Ids of other logs have no `+`.
 */
export function wasRestored(before: string, now: string): boolean {
  const [then, since] = [ID.exec(before), ID.exec(now)]
  return then !== null && since !== null && then[1] === since[1] && then[2] !== since[2]
}
