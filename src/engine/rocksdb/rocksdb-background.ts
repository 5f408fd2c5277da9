import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

/** As RocksDB names the threads that compact. Those that flush are not among them: writes wait for a flush sooner than for a compaction. */
const COMPACTING = 'rocksdb:low'
/** Added to the process's own: a third of the share of others, where cores are short. Too little, and writes are held up until a compaction has caught up. */
const NICENESS = 5
const NICEST = constants.priority.PRIORITY_LOW
const TASKS = '/proc/self/task'

let done = false

/**
 * Lets compactions give way to the stream thread where they compete for a core. They are the threads of all databases of the process, and the binding has no
 * setting for them; Linux has a priority for each thread, which may be lowered without a privilege. Anywhere else nothing happens. To be called when a
 * database is open.
 */
export function lowerCompactions(): void {
  if (done || !existsSync(TASKS)) return
  const niceness = Math.min(getPriority() + NICENESS, NICEST)
  for (const thread of readdirSync(TASKS)) {
    try {
      if (readFileSync(`${TASKS}/${thread}/comm`, 'utf8').trim() !== COMPACTING) continue
      done = true
      setPriority(Number(thread), niceness)
    } catch {
      // That thread has ended meanwhile, or it is forbidden here: compactions go on as they were.
    }
  }
}
