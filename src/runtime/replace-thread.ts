import { decideOn } from '../application/decide-on.ts'
import type { Settings, UncaughtErrorDecision } from '../application/application.ts'
import type { Clock } from '../platform/clock.ts'
import { isFenced } from './state-directory/fenced.ts'
import type { ThreadHandle } from './thread/thread-handle.ts'

/** What a thread is replaced by, and with whom it is spoken about. */
export interface Replacing {
  readonly settings: Settings
  readonly clock: Clock
  readonly open: () => Promise<ThreadHandle>
  /** True once the application ends. */
  readonly isEnding: () => boolean
  readonly onFailure: (decision: UncaughtErrorDecision) => void
  /** Has the other instances stop. */
  readonly tellGroup: (cause: unknown) => Promise<void>
}

/** ms before the next attempt to replace a thread. */
const REPLACE_PAUSE = 1000

/** Opens a new thread. A failure to open it is treated like that of a thread that ran: the handler decides again. */
export async function replaceThread(replacing: Replacing): Promise<ThreadHandle> {
  const { settings, clock, open, isEnding, tellGroup, onFailure } = replacing
  for (;;) {
    try {
      return await open()
    } catch (error) {
      settings.logger.error({ err: error }, 'a stream thread could not be replaced')
      if (isFenced(error)) throw error
      const decision = decideOn(error, settings)
      onFailure(decision)
      if (decision === 'shutdownApplication') await tellGroup(error)
      if (decision !== 'replaceThread' || isEnding()) throw error
      await new Promise<void>((resolve) => clock.schedule(REPLACE_PAUSE, resolve))
      if (isEnding()) throw error
    }
  }
}
