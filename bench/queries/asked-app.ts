import { setTimeout as pause } from 'node:timers/promises'
import { embeddedLog, Streams, type Application, type Log } from '../../src/index.ts'
import { serve } from '../../src/server/index.ts'

/** An application that runs and can be asked. */
export interface AskedApp extends AsyncDisposable {
  readonly streams: Streams
  readonly url: string
  /** Resolves when so many records are processed. */
  processed(records: number): Promise<void>
}

/** Starts an application with a server on a port that is free. */
export async function startAsked(app: Application, log: Log, stateDirectory: string): Promise<AskedApp> {
  const streams = await Streams.start(app, { log, stateDirectory })
  const { address } = await serve(streams, { listen: 0 })
  return {
    streams,
    url: address?.url ?? '',
    async processed(records) {
      while (streams.status().processed < records) {
        if (streams.state === 'error') await streams.closed
        await pause(5)
      }
    },
    [Symbol.asyncDispose]: () => streams.close(),
  }
}

/** Opens the embedded log of a directory for as long as it is used. */
export async function onEmbeddedLog<T>(directory: string, use: (log: Log) => Promise<T>): Promise<T> {
  const log = await embeddedLog({ directory })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}
