import type { Application } from '../../../application/application.ts'
import { topicOfLetters } from '../../../dead-letters/topic-of-letters.ts'
import type { Log } from '../../../log/log.ts'
import type { CompanionHost } from '../../../runtime/companion.ts'

/** The dead letters that are served: those of an application, on its log. */
export class Letters {
  /** Its topology is the one that runs, and not built again for each request. */
  readonly app: Application
  readonly log: Log

  constructor({ app: { id, settings }, topology, log }: CompanionHost) {
    this.app = { id, settings, topology: () => topology }
    this.log = log
  }

  get topic(): string {
    return topicOfLetters(this.app, undefined)
  }
}
