import { embedded, inMemory } from './places.ts'
import { lostSinkMembership, sinkConformance } from './sink-conformance.ts'
import { lostMembership, sourceConformance } from './source-conformance.ts'
import { feeds, target } from './under-test.ts'

sourceConformance('feeds, on the memory log', inMemory, feeds)
sourceConformance('feeds, on the embedded log', embedded, feeds)
lostMembership('feeds, on the memory log', inMemory, feeds)

sinkConformance('a target that keeps offsets, on the memory log', inMemory, target)
sinkConformance('a target that keeps offsets, on the embedded log', embedded, target)
lostSinkMembership('a target that keeps offsets, on the memory log', inMemory, target)
