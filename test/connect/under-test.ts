import { Feeds, feedSource } from './kit.ts'
import type { SinkUnderTest } from './sink-conformance.ts'
import type { SourceUnderTest } from './source-conformance.ts'
import { Target, targetSink } from './target.ts'

/** Four feeds, read by two tasks in pages of three. */
export function feeds(): SourceUnderTest {
  const system = new Feeds(['north', 'south', 'east', 'west'], 7)
  return {
    source: (target) => feedSource(system, target, 3, { tasks: 2 }),
    tasks: 2,
    feed: () => system.add('north', 4),
    get all() {
      return system.all
    },
  }
}

/** A system that keeps offsets with its rows. */
export function target(): SinkUnderTest {
  const system = new Target()
  return {
    sink: (from) => targetSink(system, from),
    failOnce: (when) => {
      system[when] = () => {
        system[when] = () => {}
        throw new Error(`failing ${when} a batch`)
      }
    },
    get rows() {
      return system.sorted
    },
  }
}
