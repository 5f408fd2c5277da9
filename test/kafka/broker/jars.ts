import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Returns the class path of a Kafka broker. */
export function brokerClassPath(version: string): Promise<string> {
  return classPath('pom.xml', 'kafka', version)
}

/** Returns the class path of Kafka's own command-line tools. */
export function toolsClassPath(version = '4.3.0'): Promise<string> {
  return classPath('tools-pom.xml', 'kafka-tools', version)
}

async function classPath(pom: string, name: string, version: string): Promise<string> {
  const hint = 'Set MILLRACE_KAFKA=host:port to use a broker that runs.'
  return mavenClassPath({ pom: join(import.meta.dirname, pom), folder: 'brokers', name, version, hint })
}

interface Jars {
  /** Path of the pom that names them. */
  readonly pom: string
  /** Folder within Millrace's part of the user's cache. */
  readonly folder: string
  readonly name: string
  /** Version of Kafka. */
  readonly version: string
  /** What to do if they cannot be had. */
  readonly hint?: string
}

/** Returns the class path of jars that come from Maven Central once and stay in the user's cache. */
export async function mavenClassPath({ pom, folder, name, version, hint = '' }: Jars): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace', folder)
  const jars = join(cache, `${name}-${version}`)
  if (!existsSync(jars)) {
    mkdirSync(cache, { recursive: true })
    const partial = mkdtempSync(join(cache, 'download-'))
    try {
      await promisify(execFile)('mvn', [
        '-q',
        '-B',
        `-f${pom}`,
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies',
        `-Dkafka.version=${version}`,
        `-DoutputDirectory=${partial}`,
      ])
      renameSync(partial, jars)
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      // Another process finished the same download first.
      if (!existsSync(jars)) {
        const message = `${name} ${version} could not be fetched from Maven Central by mvn. ${hint}`.trim()
        throw new Error(message, { cause: error })
      }
    }
  }
  return join(jars, '*')
}
