import { generateCase, showCase } from './generated-case.ts'
import { LAWS } from './laws.ts'
import type { Law } from './laws.ts'

export interface Checked {
  /** Number of cases on which each law was checked. */
  readonly covered: ReadonlyMap<string, number>
  /** The broken laws, each with the case and how to run it again. */
  readonly failures: readonly string[]
}

export interface CheckOptions {
  readonly seed: number
  readonly cases: Iterable<number>
  readonly laws?: readonly Law[]
  /** Greatest number of cases on which a law is checked. Unlimited if not named. */
  readonly limits?: Readonly<Record<string, number>>
  readonly onCase?: (checked: number) => void
}

/** Checks every law that applies to a case, on every case. */
export async function checkCases({
  seed,
  cases,
  laws = LAWS,
  limits = {},
  onCase = () => {},
}: CheckOptions): Promise<Checked> {
  const covered = new Map(laws.map(({ name }) => [name, 0]))
  const failures: string[] = []
  let checked = 0
  for (const number of cases) {
    const generated = generateCase(seed, number)
    for (const law of laws) {
      const before = covered.get(law.name) ?? 0
      if (before >= (limits[law.name] ?? Infinity) || !law.applies(generated)) continue
      covered.set(law.name, before + 1)
      const broken = await brokenBy(law, generated)
      if (broken !== undefined)
        failures.push(`law "${law.name}" (${law.promise}) is broken\n${broken}\n${showCase(generated)}`)
    }
    onCase(++checked)
  }
  return { covered, failures }
}

async function brokenBy(law: Law, generated: Parameters<Law['check']>[0]): Promise<string | undefined> {
  try {
    return await law.check(generated)
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}
