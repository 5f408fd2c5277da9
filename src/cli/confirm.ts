import { createInterface } from 'node:readline/promises'
import { MillraceError } from '../errors/millrace-error.ts'

/**
 * Asks on the terminal to type a name before something is destroyed.
 *
 * @param done what does not happen otherwise, as a past participle: `deleted`
 * @throws MR_CLI_USAGE without a terminal to ask on, MR_CLI_DECLINED
 */
export async function confirm(name: string, done: string, hintWithoutTerminal: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new MillraceError('MR_CLI_USAGE', 'there is no terminal on which to ask whether to go on', {
      hint: hintWithoutTerminal,
    })
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await prompt.question(`Type ${name} to go on: `)
  prompt.close()
  if (answer.trim() === name) return
  throw new MillraceError('MR_CLI_DECLINED', `nothing was ${done}`, { hint: `Type ${name} to go on, or add --yes.` })
}
