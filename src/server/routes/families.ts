import type { Family } from '../http/route.ts'
import { application } from './application.ts'
import { consolePages } from './console/console.ts'
import { deadLetters } from './dead-letters/dead-letters.ts'
import { metrics } from './metrics.ts'
import { pages } from './pages/pages.ts'
import { peers } from './peers.ts'
import { probes } from './probes.ts'
import { stores } from './stores/stores.ts'
import { topics } from './topics/topics.ts'
import { topology } from './topology.ts'

/** All routes, in the order of the OpenAPI document. */
export const FAMILIES: readonly Family[] = [
  probes,
  metrics,
  application,
  topology,
  stores,
  topics,
  deadLetters,
  peers,
  consolePages,
  pages,
]
