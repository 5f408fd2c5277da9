import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { formatWithOptions } from 'node:util'

/** Imports the modules named on the command line, one after the other, and answers in JSON what each printed. */
const printed: string[] = []
for (const file of process.argv.slice(2)) {
  const home = mkdtempSync(join(tmpdir(), 'millrace-snippet-'))
  process.chdir(home)
  let text = ''
  console.log = (...parts: unknown[]) => {
    text += `${formatWithOptions({ colors: false }, ...parts)}\n`
  }
  try {
    await import(pathToFileURL(file).href)
  } catch (error) {
    text += `failed: ${error instanceof Error ? error.stack : String(error)}\n`
  }
  printed.push(text)
  process.chdir('/')
  rmSync(home, { recursive: true, force: true })
}
// A snippet may leave a log open.
process.stdout.write(JSON.stringify(printed), () => process.exit(0))
