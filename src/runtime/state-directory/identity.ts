import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import type { EngineFactory, KeyValueEngine } from '../../engine/engine.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import type { Logger } from '../../application/application.ts'

const PROCESS_ID = Buffer.from('process-id')
const FORMAT = Buffer.from('format')
const FORMAT_VERSION = '1'
/** Host and inode of the directory for which the process id was drawn. */
const PLACE = Buffer.from('place')
const CLAIM = 'process'

/** The state directory of one application, held by this process. */
export interface ClaimedDirectory {
  /** Kept in the directory: the same after a restart. */
  readonly processId: string
  release(): Promise<void>
}

/**
 * Claims the application's state directory for this process. The claim is an open engine, whose lock ends with the
 * process, however that ends. The process id in it is valid for this directory on this host only: a copy of the
 * directory gets an id of its own, or the two would fence each other forever.
 *
 * @param instanceId the process id, if given: it survives an empty disk
 * @throws MR_STATE_LOCKED if another process holds the directory, MR_STATE_FOREIGN if another version wrote it
 */
export async function claimDirectory(
  engine: EngineFactory,
  directory: string,
  logger: Logger,
  instanceId?: string,
): Promise<ClaimedDirectory> {
  const claim = await openClaim(engine, directory, logger)
  const release = async (): Promise<void> => void (await claim.close())
  try {
    requireFormat(claim, directory)
    if (instanceId !== undefined) return { processId: instanceId, release }
    const place = engine.persistent ? placeOf(directory) : 'memory'
    return { processId: knownId(claim, place, directory, logger) ?? (await drawId(claim, place)), release }
  } catch (error) {
    await claim.close()
    throw error
  }
}

/** Names the directory and the host, by which a user tells apart two processes with one identity. */
export function placeText(directory: string): string {
  return `${directory} on ${hostname()}`
}

/** Opens the claim. One that cannot be read is deleted: only the identity in it is lost. */
async function openClaim(engine: EngineFactory, directory: string, logger: Logger): Promise<KeyValueEngine> {
  const path = join(directory, CLAIM)
  try {
    return await engine.open(path)
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MR_STATE_CORRUPT') throw error
    logger.warn({ directory, err: error }, 'the identity in the state directory cannot be read; a new one is drawn')
    await engine.destroy(path)
    return await engine.open(path)
  }
}

function requireFormat(claim: KeyValueEngine, directory: string): void {
  const format = claim.get(FORMAT)?.toString()
  if (format === undefined || format === FORMAT_VERSION) return
  throw new MillraceError(
    'MR_STATE_FOREIGN',
    `the state directory ${directory} has format ${format}, not ${FORMAT_VERSION}`,
    { hint: 'Another version of Millrace wrote it. Delete it to restore the state from the changelogs.' },
  )
}

/** Survives a restart of the machine and a rename, but not a copy. Two hosts may have the same inode. */
function placeOf(directory: string): string {
  return `${hostname()} ${statSync(directory, { bigint: true }).ino}`
}

function knownId(claim: KeyValueEngine, place: string, directory: string, logger: Logger): string | undefined {
  const known = claim.get(PROCESS_ID)?.toString()
  const before = claim.get(PLACE)?.toString()
  if (known === undefined || before === place) return known
  logger.warn({ directory, before, now: place }, 'the state directory was copied or moved here; it gets a new identity')
  return undefined
}

async function drawId(claim: KeyValueEngine, place: string): Promise<string> {
  const id = randomUUID()
  const batch = new WriteBatch()
  batch.put(FORMAT, Buffer.from(FORMAT_VERSION))
  batch.put(PLACE, Buffer.from(place))
  batch.put(PROCESS_ID, Buffer.from(id))
  await claim.write(batch, { sync: true })
  return id
}
