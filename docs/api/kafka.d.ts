// What `import … from 'millrace/kafka'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface KafkaOptions {
  readonly brokers: string | readonly string[]
  readonly clientId?: string
  readonly tls?: boolean | TlsOptions
  readonly sasl?: SASLOptions
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

export function kafka(options: KafkaOptions): Log
