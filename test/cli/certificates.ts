import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CONFIG = `
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
policy = policy
copy_extensions = copy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
basicConstraints = CA:true
`

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes a self-signed certificate of `localhost` in a directory of its own, and returns its files. */
export function certificate(directory: string, from: string, to: string): Certificate {
  for (const [name, text] of Object.entries({ 'ca.cnf': CONFIG, 'index.txt': '', serial: '01' })) {
    writeFileSync(join(directory, name), text)
  }
  const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'request.pem', ...names)
  const dates = ['-startdate', from, '-enddate', to]
  const files = ['-in', 'request.pem', '-keyfile', 'key.pem', '-out', 'cert.pem', '-outdir', '.']
  openssl('ca', '-selfsign', '-batch', '-notext', '-md', 'sha256', '-config', 'ca.cnf', ...files, ...dates)
  return { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
}
