// What `import … from 'millrace/server'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface Server extends AsyncDisposable {
  readonly address: ServerAddress | undefined
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly url: string
}

export interface ServerLimits {
  readonly body?: ByteSize
  readonly header?: ByteSize
  readonly connections?: number
  readonly watches?: number
}

export interface ServerOptions {
  readonly listen?: string | number
  readonly auth?:
    | 'none'
    | {
        readonly tokens: readonly ServerToken[]
      }
  readonly tls?: ServerTls
  readonly hosts?: readonly string[]
  readonly cors?: readonly string[]
  readonly deadLetters?: boolean
  readonly pages?: Readonly<Record<string, string>>
  readonly writableTopics?: readonly string[]
  readonly limits?: ServerLimits
}

export type ServerRole = 'read' | 'write' | 'control' | 'dead-letters' | 'topics.read' | 'topics.write'

export type ServerToken = {
  readonly role: ServerRole
} & (
  | {
      readonly token: string
    }
  | {
      readonly sha256: string
    }
  | {
      readonly file: string
    }
  | {
      readonly env: string
    }
)

export function serve(streams: CompanionHost, given?: ServerOptions): Promise<Server>
