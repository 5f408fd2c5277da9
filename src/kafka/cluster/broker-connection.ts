import { isIP } from 'node:net'
import {
  Connection,
  ConnectionStatuses,
  ResponseError,
  apiVersionsV3,
  type API,
  type SASLOptions,
} from '@platformatic/kafka'
import { PACKAGE_VERSION } from '../../platform/package-version.ts'
import { backoff, pause } from './retry.ts'
import { connectionLost, kafkaErrors, KafkaError } from '../protocol/errors.ts'
import type { BrokerAddress, ClusterOptions } from './connection-options.ts'

/** A connection to one broker. It opens at the first request and again after it broke, with pauses in between. */
export class BrokerConnection {
  readonly #address: BrokerAddress
  readonly #options: ClusterOptions
  readonly #abort = new AbortController()
  #connection: Connection | undefined
  #opening: Promise<Connection> | undefined
  #failures = 0
  #notBefore = 0
  /** Bytes of the open connection that were counted. */
  #bytesRead = 0
  #bytesWritten = 0

  constructor(address: BrokerAddress, options: ClusterOptions) {
    this.#address = address
    this.#options = options
  }

  get name(): string {
    return `${this.#address.host}:${this.#address.port}`
  }

  /**
   * Sends a request and returns the decoded response, error codes included. The caller decides which of them matter.
   *
   * @throws KafkaError `networkException` (retriable) if there is no connection or no response
   */
  async send<A extends unknown[], R>(api: API<A, R>, args: A): Promise<R> {
    const connection = await this.#ready()
    const { clock, requests } = this.#options
    const begin = clock.monotonic()
    let outcome: 'ok' | 'failed' = 'failed'
    try {
      const response = await api.async(connection, ...args)
      outcome = 'ok'
      return response
    } catch (error) {
      if (error instanceof ResponseError) {
        outcome = 'ok'
        return responseOf<R>(error)
      }
      // A codec that fails leaves the stream intact; a broken stream has closed the connection by itself.
      if (connection.isConnected() && !isTransport(error)) throw decodeFailed(this.name, api, error)
      throw connectionLost(this.name, error)
    } finally {
      requests?.count(api.key, outcome, clock.monotonic() - begin)
      this.#countBytes(connection)
    }
  }

  /** What a connection has sent since its last response, and that is lost now, is not counted. */
  #countBytes(connection: Connection): void {
    if (connection !== this.#connection) return
    const { bytesRead, bytesWritten } = connection.socket
    this.#options.requests?.bytes(bytesRead - this.#bytesRead, bytesWritten - this.#bytesWritten)
    this.#bytesRead = bytesRead
    this.#bytesWritten = bytesWritten
  }

  /** Asks this broker for its API versions and features. */
  versions(): Promise<apiVersionsV3.ApiVersionsResponse> {
    return this.send(apiVersionsV3.api, ['millrace', PACKAGE_VERSION])
  }

  async close(): Promise<void> {
    this.#abort.abort()
    const opening = this.#opening
    if (opening !== undefined) await opening.catch(() => undefined)
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) await connection.close()
  }

  #ready(): Promise<Connection> | Connection {
    const connection = this.#connection
    if (connection?.isConnected()) return connection
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #open(): Promise<Connection> {
    const known = this.#connection
    if (known?.status === ConnectionStatuses.REAUTHENTICATING) {
      try {
        await known.ready()
        return known
      } catch {
        // The login was refused or the connection broke. A new connection shows which.
        void known.close().catch(() => undefined)
      }
    }
    const { clock, clientId, tls, sasl, connectTimeout, requestTimeout } = this.#options
    const wait = this.#notBefore - clock.monotonic()
    if (wait > 0) await pause(clock, wait, this.#abort.signal)
    if (this.#abort.signal.aborted) throw connectionLost(this.name, 'closed')
    const connection = new Connection(clientId, {
      connectTimeout,
      requestTimeout,
      ...(tls === undefined ? {} : { tls, tlsServerName: isIP(this.#address.host) === 0 }),
      ...(sasl === undefined ? {} : { sasl: sasl as SASLOptions }),
    })
    // Without a listener the emitter would throw the error, which every pending request gets anyway.
    connection.on('error', () => undefined)
    try {
      await connection.connect(this.#address.host, this.#address.port)
    } catch (error) {
      this.#notBefore = clock.monotonic() + backoff(this.#options, this.#failures++)
      void connection.close().catch(() => undefined)
      throw loginFailed(this.name, error) ?? connectionLost(this.name, error)
    }
    if (this.#abort.signal.aborted) {
      await connection.close()
      throw connectionLost(this.name, 'closed')
    }
    this.#failures = 0
    this.#connection = connection
    this.#bytesRead = this.#bytesWritten = 0
    return connection
  }
}

function responseOf<R>(error: ResponseError): R {
  return error['response']
}

function isTransport(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'PLT_KFK_NETWORK' || code === 'PLT_KFK_TIMEOUT' || code === 'PLT_KFK_AUTHENTICATION'
}

/** Returns the error of a refused login, which is not retriable; `undefined` for any other error. */
function loginFailed(broker: string, error: unknown): KafkaError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (!('code' in at) || at.code !== 'PLT_KFK_AUTHENTICATION') continue
    return new KafkaError(kafkaErrors.saslAuthenticationFailed, `Kafka broker ${broker} refused the login`, {
      code: 'MR_AUTHENTICATION',
      cause: error,
      hint: 'Check the mechanism, the user name, and the password or token, of the option sasl.',
    })
  }
  return undefined
}

function decodeFailed(broker: string, api: { key: number; version: number }, cause: unknown): KafkaError {
  return new KafkaError(
    kafkaErrors.unknownServerError,
    `request ${api.key} v${api.version} to Kafka broker ${broker}`,
    { cause, text: cause instanceof Error ? cause.message : String(cause) },
  )
}
