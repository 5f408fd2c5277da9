import { onKafka } from '../places.ts'
import { sinkConformance } from '../sink-conformance.ts'
import { sourceConformance } from '../source-conformance.ts'
import { files, writtenFiles } from './under-test.ts'

sourceConformance('files, on Kafka', onKafka, files)
sinkConformance('files, on Kafka', onKafka, writtenFiles)
