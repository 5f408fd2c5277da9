import { timingSafeEqual } from 'node:crypto'
import type { Logger } from '../application/application.ts'
import { option, readMembers, text, type Option } from '../options/options.ts'
import { sha256, tokenOfEnvironment } from './token.ts'
import { TokenFile } from './token-file.ts'

/** Where the instances of an application have the token from by which they know each other. */
export type PeerTokenSource = { readonly file: string } | { readonly env: string }

const PEER_TOKEN = {
  file: text({ description: 'a file with a token on each line: the first one is sent, all are accepted' }),
  env: text({ description: 'an environment variable with the token' }),
}

/** The option for the token by which instances know each other. */
export const peerTokenOption: Option<PeerTokenSource | undefined> = option<PeerTokenSource>(
  '`{ file }`, `{ env }`',
  {
    defaultText: 'none',
    description:
      'the token by which [instances know each other](queries.md#across-instances), the same for all: a file, or an ' +
      'environment variable. Without it, keys of other instances are `MR_QUERY_PEER_AUTH`',
  },
  (value, place) => {
    if (typeof value !== 'object' || value === null) {
      throw place.refuse(
        undefined,
        "Give { file: '/run/secrets/peers' } or { env: 'PEER_TOKEN' }, not the token itself.",
      )
    }
    const { file, env } = readMembers(PEER_TOKEN, value, place)
    if (file !== undefined && env === undefined) return { file }
    if (env !== undefined && file === undefined) return { env }
    throw place.refuse(value, 'Give one of file and env.')
  },
)

/** The token by which the instances of an application know each other. */
export class PeerToken {
  readonly #tokens: () => Promise<readonly string[]>

  private constructor(tokens: () => Promise<readonly string[]>) {
    this.#tokens = tokens
  }

  /** @throws MR_SERVER_TOKENS if the file or the variable cannot be read, or if what it holds is no token */
  static async open(source: PeerTokenSource, logger: Logger): Promise<PeerToken> {
    if ('env' in source) {
      const tokens = [tokenOfEnvironment(source.env)]
      return new PeerToken(async () => tokens)
    }
    const file = await TokenFile.open(source.file, (token) => token, logger)
    return new PeerToken(() => file.known())
  }

  /** Returns the token to send; undefined while the file cannot be used. */
  async text(): Promise<string | undefined> {
    return (await this.#tokens())[0]
  }

  /** Whether a token is one of these. While it is replaced on all instances, two of them are. */
  async accepts(token: string): Promise<boolean> {
    const digest = sha256(token)
    let isKnown = false
    for (const each of await this.#tokens()) if (timingSafeEqual(digest, sha256(each))) isKnown = true
    return isKnown
  }
}
