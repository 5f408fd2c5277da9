import type { ProxiedBrokers } from '../kit/brokers.ts'
import { ForgottenTransaction, runRound } from './round.ts'
import type { RoundOptions, RoundResult } from './round.ts'

const MOST_TRIES = 3

/** Runs a round, and runs it again if it proves nothing because the brokers have forgotten a transaction. */
export async function runUntilDecided(
  brokers: ProxiedBrokers,
  options: RoundOptions,
  onVoid: (reason: string) => void = () => undefined,
): Promise<RoundResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await runRound(brokers, options)
    } catch (error) {
      if (!(error instanceof ForgottenTransaction) || tries === MOST_TRIES) throw error
      onVoid(error.message)
    }
  }
}
