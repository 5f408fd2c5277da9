import { option, readMembers, text, type Option } from '../options/options.ts'

/** PEM files by which an instance connects to others by TLS, and is known by them. */
export interface PeerTls {
  /** The authorities that have signed the certificates of all instances. */
  readonly ca: string
  /** The certificate of this instance, with its chain. With it no token is needed. */
  readonly cert?: string
  /** The key of the certificate. */
  readonly key?: string
}

const PEER_TLS = {
  ca: text({ required: true, description: 'a file with the authorities of the certificates of all instances' }),
  cert: text({ description: 'a file with the certificate of this instance' }),
  key: text({ description: 'a file with the key of the certificate' }),
}

/** The option for the certificates by which instances know each other. */
export const peerTlsOption: Option<PeerTls | undefined> = option<PeerTls>(
  '`{ ca, cert, key }`',
  {
    defaultText: 'none',
    description:
      'PEM files by which this instance connects to others [by TLS](security.md#tls). With `cert` and `key` it is ' +
      'known by its certificate, and needs no `peerToken`',
  },
  (value, place) => {
    const { ca, cert, key } = readMembers(PEER_TLS, value, place)
    if (cert === undefined && key === undefined) return { ca }
    if (cert !== undefined && key !== undefined) return { ca, cert, key }
    throw place.refuse(value, 'Give both cert and key, or none of them.')
  },
)
