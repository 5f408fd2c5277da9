import { join } from 'node:path'
import { mavenClassPath } from '../../test/kafka/broker/jars.ts'

/** Class path of Kafka Connect with its file connectors. */
export function connectClassPath(): Promise<string> {
  const pom = join(import.meta.dirname, 'pom.xml')
  return mavenClassPath({ pom, folder: 'bench', name: 'kafka-connect', version: '4.3.0' })
}
