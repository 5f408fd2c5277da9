import { embedded, inMemory } from '../places.ts'
import { lostSinkMembership, sinkConformance } from '../sink-conformance.ts'
import { lostMembership, sourceConformance } from '../source-conformance.ts'
import { files, writtenFiles } from './under-test.ts'

sourceConformance('files, on the memory log', inMemory, files)
sourceConformance('files, on the embedded log', embedded, files)
lostMembership('files, on the memory log', inMemory, files)

sinkConformance('files, on the memory log', inMemory, writtenFiles)
sinkConformance('files, on the embedded log', embedded, writtenFiles)
lostSinkMembership('files, on the memory log', inMemory, writtenFiles)
