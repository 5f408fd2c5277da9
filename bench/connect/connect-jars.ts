import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = '4.3.0'

/** Class path of Kafka Connect with its file connectors: jars from Maven Central, in the user's cache. */
export async function connectClassPath(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace', 'bench')
  const jars = join(cache, `kafka-connect-${VERSION}`)
  if (!existsSync(jars)) {
    mkdirSync(cache, { recursive: true })
    const partial = mkdtempSync(join(cache, 'download-'))
    try {
      await promisify(execFile)('mvn', [
        '-q',
        '-B',
        `-f${join(import.meta.dirname, 'pom.xml')}`,
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
  return join(jars, '*')
}
