import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mavenClassPath } from '../../../test/kafka/broker/jars.ts'

const sources = join(import.meta.dirname, '..', '..', 'java')

/** Class path of the Kafka Streams runner: its jars, and the compiled runner. */
export async function javaClassPath(workDirectory: string): Promise<string> {
  const pom = join(sources, 'pom.xml')
  const jars = await mavenClassPath({ pom, folder: 'bench', name: 'kafka-streams', version: '4.3.0' })
  const classes = join(workDirectory, 'classes')
  mkdirSync(classes, { recursive: true })
  await promisify(execFile)('javac', ['-cp', jars, '-d', classes, join(sources, 'KafkaStreamsRunner.java')])
  return `${classes}:${jars}`
}
