import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = '4.3.0'
const sources = join(import.meta.dirname, '..', '..', 'java')

/** Class path of the Kafka Streams runner: jars from Maven Central, in the user's cache, and the compiled runner. */
export async function javaClassPath(workDirectory: string): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace', 'bench')
  const jars = join(cache, `kafka-streams-${VERSION}`)
  const run = promisify(execFile)
  if (!existsSync(jars)) {
    mkdirSync(cache, { recursive: true })
    const partial = mkdtempSync(join(cache, 'download-'))
    try {
      await run('mvn', [
        '-q',
        '-B',
        `-f${join(sources, 'pom.xml')}`,
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
        `-Dkafka.version=${VERSION}`,
        `-DoutputDirectory=${partial}`,
      ])
      renameSync(partial, jars)
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      throw error
    }
  }
  const classes = join(workDirectory, 'classes')
  mkdirSync(classes, { recursive: true })
  await run('javac', ['-cp', join(jars, '*'), '-d', classes, join(sources, 'KafkaStreamsRunner.java')])
  return `${classes}:${join(jars, '*')}`
}
