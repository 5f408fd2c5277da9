import type { CommitOutcome } from '../../log/log.ts'

/** What will have become of a commit that is under way. */
export class PendingOutcome {
  isOver = false
  readonly outcome: Promise<CommitOutcome>

  constructor(outcome: Promise<CommitOutcome>, onOver: () => void) {
    this.outcome = outcome
    const over = (): void => {
      this.isOver = true
      onOver()
    }
    outcome.then(over, over)
  }
}
