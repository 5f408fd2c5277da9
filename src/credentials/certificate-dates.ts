import { X509Certificate } from 'node:crypto'

/**
 * Returns when a certificate ended to be valid, as text; undefined if it is valid, or if it is not clear that it is a
 * certificate at all: what uses it says so.
 *
 * @param pem the certificate, with its chain behind it
 */
export function expiredOn(pem: Buffer | string): string | undefined {
  try {
    const { validToDate } = new X509Certificate(pem)
    return validToDate.getTime() < Date.now() ? validToDate.toISOString() : undefined
  } catch {
    return undefined
  }
}
