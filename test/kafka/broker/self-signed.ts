import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A key with its certificate, as PEM, and the settings by which a broker uses them. */
export interface SelfSigned {
  /** The certificate, which is its own authority. */
  readonly ca: string
  readonly key: string
  readonly config: Readonly<Record<string, string>>
}

/** Makes a key and a self-signed certificate for this machine. */
export function selfSigned(): SelfSigned {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  try {
    const [keyFile, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    const files = ['-keyout', keyFile, '-out', certificate]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject], {
      stdio: 'ignore',
    })
    const [ca, key] = [readFileSync(certificate, 'utf8'), readFileSync(keyFile, 'utf8')]
    const config = {
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.certificate.chain': ca,
      'ssl.keystore.key': key,
    }
    return { ca, key, config }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
