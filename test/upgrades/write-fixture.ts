/**
 * Writes the fixtures of a release: a log and a state directory as its code leaves them, and the output of that code
 * when it goes on. To be run once from the checkout of a release, before the formats on disk change:
 *
 *     node --conditions=millrace-source test/upgrades/write-fixture.ts <version>
 *
 * The engines write the name of the host into their files: give it a neutral one first.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { embeddedLog, silentLogger } from 'millrace'
import { createTopics, outputsOf, rounds, runShop, writeRound } from './shop.ts'

const version = process.argv[2] ?? ''
const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))
const answers: string[] = []
for (const engine of ['rocksdb', 'level'] as const) {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-fixture-'))
  const run = async (from: number, to: number): Promise<string> => {
    const log = await embeddedLog({ directory: join(directory, 'log'), engine })
    if (from === 0) await createTopics(log)
    for (let round = from; round < to; round++) {
      await writeRound(log, round)
      await runShop(log, silentLogger, { engine, stateDirectory: join(directory, 'state') })
    }
    const outputs = JSON.stringify(await outputsOf(log), undefined, 2)
    await log.close()
    return outputs
  }
  await run(0, 1)
  await run(1, rounds.inFixtures)
  // These files describe the machine, and no engine needs them.
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (/(^|\/)(LOG|LOG\.old.*)$/.test(name)) rmSync(join(directory, name))
  }
  const archive = join(fixtures, `${version}-${engine}.tar.gz`)
  execFileSync('tar', ['--owner=0', '--group=0', '-czf', archive, '-C', directory, 'log', 'state'])
  answers.push(await run(rounds.inFixtures, rounds.all))
  console.log(archive, readFileSync(archive).length, 'bytes')
  rmSync(directory, { recursive: true })
}
if (answers[0] !== answers[1]) throw new Error('the engines do not agree')
writeFileSync(join(fixtures, `${version}-answers.json`), `${answers[0]}\n`)
