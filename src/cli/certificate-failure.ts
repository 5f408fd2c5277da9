import { MillraceError, messageOf, propertyOf } from '../errors/millrace-error.ts'

/** Codes of OpenSSL for certificates whose authority is not trusted. */
const DISTRUSTED: ReadonlySet<unknown> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Returns the error of a broker whose certificate is refused; undefined for any other error. */
export function certificateFailure(error: unknown, brokers: string): MillraceError | undefined {
  for (let at = error; at !== undefined; at = propertyOf(at, 'cause')) {
    const code = propertyOf(at, 'code')
    if (DISTRUSTED.has(code)) {
      // Node goes on to say how it is started otherwise.
      const [reason = ''] = messageOf(at).split(';')
      return refused(
        `is signed by no authority that is trusted: ${reason}`,
        'Give the authorities of the brokers by --kafka-ca FILE.',
      )
    }
    if (code === 'CERT_HAS_EXPIRED')
      return refused('has expired', 'Renew it on the broker, or set the clock of this machine.')
    if (code === 'CERT_NOT_YET_VALID')
      return refused('is not valid yet', 'Set the clocks of this machine and of what made the certificate.')
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return refused(`is for another name: ${messageOf(at)}`, 'Name the brokers as their certificates do.')
  }
  return undefined

  function refused(what: string, hint: string): MillraceError {
    return new MillraceError('MR_LOG_CERTIFICATE', `the certificate of the Kafka broker at ${brokers} ${what}`, {
      hint,
    })
  }
}
