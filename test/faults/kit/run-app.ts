import { MillraceError } from 'millrace'
import type { Application, Streams, StreamsStatus } from 'millrace'
import { UNCOMMITTED } from './exit-codes.ts'

/** ms between two lines of status. */
const STATUS_EVERY = 200

/** Writes what the application logs to stderr, where `AppProcess` keeps it. */
export function complaining(app: Application): Application {
  const complain = (fields: object, message: string): void => {
    const error = 'err' in fields && fields.err instanceof Error ? (fields.err.stack ?? fields.err.message) : ''
    console.error(new Date().toISOString(), message, JSON.stringify({ ...fields, err: undefined }), error)
  }
  const logger = { debug: () => {}, info: complain, warn: complain, error: complain }
  return { id: app.id, settings: { ...app.settings, logger }, topology: () => app.topology() }
}

/**
 * Prints the status of an application as a line of JSON, again and again, until it is closed, which SIGTERM does. The
 * process then exits with UNCOMMITTED if the last commit failed.
 */
export async function runApp(streams: Streams, shown: (status: StreamsStatus) => object): Promise<void> {
  let isStopping = false
  process.once('SIGTERM', () => {
    isStopping = true
    streams.close().catch(() => undefined)
  })
  const ticker = setInterval(() => console.log(JSON.stringify(shown(streams.status()))), STATUS_EVERY)
  try {
    await streams.closed
  } catch (error) {
    if (!isStopping || !(error instanceof MillraceError) || error.code !== 'MR_COMMIT') throw error
    process.exitCode = UNCOMMITTED
  } finally {
    clearInterval(ticker)
  }
}
