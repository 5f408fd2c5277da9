/** A payment as `millrace produce --json` takes it. */
export function lineOf(key: string, cents: number): string {
  return `${JSON.stringify({ key, value: { cents } })}\n`
}
