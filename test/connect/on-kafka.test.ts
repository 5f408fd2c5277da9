import { onKafka } from './places.ts'
import { sinkConformance } from './sink-conformance.ts'
import { sourceConformance } from './source-conformance.ts'
import { feeds, target } from './under-test.ts'

sourceConformance('feeds, on Kafka', onKafka, feeds)
sinkConformance('a target that keeps offsets, on Kafka', onKafka, target)
