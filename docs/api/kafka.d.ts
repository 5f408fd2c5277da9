// What `import … from 'millrace/kafka'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface KafkaOptions {
  readonly brokers: string | readonly string[]
  readonly clientId?: string
  readonly tls?: boolean | TlsOptions
  readonly sasl?: SaslOptions
  readonly connectTimeout?: Duration
  readonly requestTimeout?: Duration
  readonly apiTimeout?: Duration
  readonly transactionTimeout?: Duration
  readonly groupProtocol?: 'auto' | 'streams' | 'classic'
  readonly sessionTimeout?: Duration
  readonly heartbeatInterval?: Duration
  readonly compression?: Compression
  readonly maxRequestSize?: ByteSize
  readonly maxBatchBytes?: ByteSize
  readonly retryBackoff?: Duration
  readonly retryBackoffMax?: Duration
  readonly clock?: Clock
}

export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | 'GSSAPI'
  readonly username?: Credential
  readonly password?: Credential
  readonly token?: Credential
  readonly oauthBearerExtensions?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
  readonly authenticate?: (...args: never) => void
  readonly authBytesValidator?: (bytes: Buffer, callback: (error: Error | null, bytes?: Buffer) => void) => void
}

export function kafka(options: KafkaOptions): Log
