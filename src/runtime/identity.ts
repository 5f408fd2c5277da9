import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import { WriteBatch, type EngineFactory, type KeyValueEngine } from '../state/engine.ts'

const PROCESS_ID = Buffer.from('process-id')
const FORMAT = Buffer.from('format')
const FORMAT_VERSION = '1'

/** The state directory of one application, held by this process. */
export interface ClaimedDirectory {
  /** Kept in the directory: the same after a restart. */
  readonly processId: string
  release(): Promise<void>
}

/**
 * Claims the application's state directory for this process. The claim is an open engine: its lock goes with the process,
 * however that ends.
 *
 * @throws MR_STATE_LOCKED if another process holds the directory, MR_STATE_FOREIGN if another version wrote it
 */
export async function claimDirectory(engine: EngineFactory, directory: string): Promise<ClaimedDirectory> {
  const claim = await engine.open(join(directory, 'process'))
  try {
    return { processId: await readOrMakeId(claim, directory), release: async () => void (await claim.close()) }
  } catch (error) {
    await claim.close()
    throw error
  }
}

async function readOrMakeId(claim: KeyValueEngine, directory: string): Promise<string> {
  const format = claim.get(FORMAT)?.toString()
  if (format !== undefined && format !== FORMAT_VERSION) {
    throw new MillraceError('MR_STATE_FOREIGN', `the state directory ${directory} has format ${format}, not ${FORMAT_VERSION}`, {
      hint: 'Another version of Millrace wrote it. Delete it to restore the state from the changelogs.',
    })
  }
  const known = claim.get(PROCESS_ID)?.toString()
  if (known !== undefined) return known
  const id = randomUUID()
  const batch = new WriteBatch()
  batch.put(FORMAT, Buffer.from(FORMAT_VERSION))
  batch.put(PROCESS_ID, Buffer.from(id))
  await claim.write(batch, { sync: true })
  return id
}
