import type { MessagePort } from 'node:worker_threads'

/** A request from the thread of an engine to the thread that scans LevelDB for it. */
export type ScanRequest =
  | { readonly type: 'attach'; readonly database: number; readonly directory: string }
  | { readonly type: 'detach'; readonly database: number }
  | {
      readonly type: 'open'
      readonly database: number
      readonly iterator: number
      readonly gte: Uint8Array | undefined
      readonly lt: Uint8Array | undefined
      readonly reverse: boolean
      readonly count: number
    }
  | { readonly type: 'more'; readonly iterator: number; readonly count: number }
  | { readonly type: 'close'; readonly iterator: number }

export type ScanReply =
  | { readonly type: 'done' }
  /** Rows packed as `key length u32 | value length u32 | key | value`, little-endian. */
  | { readonly type: 'rows'; readonly rows: Uint8Array; readonly finished: boolean }
  | { readonly type: 'failed'; readonly message: string }

/** A request that is waited for, and its reply. */
export type NumberedRequest = ScanRequest & { readonly number?: number }
export type NumberedReply = ScanReply & { readonly number: number | undefined }

export interface ScanWorkerData {
  /** The cell [0] is set to 1 and notified when the port holds a reply. */
  readonly signal: Int32Array
  readonly port: MessagePort
}
