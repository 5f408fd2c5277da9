/** Snappy without framing, by its format description: length 12, a literal of 4 bytes, a copy of 8 from 4 back. */
export const snappyRaw = {
  plain: 'milrmilrmilr',
  compressed: Buffer.from([12, 0x0c, 0x6d, 0x69, 0x6c, 0x72, 0x11, 0x04]),
}

/**
 * Batches of three records by codec, as the Java producer 4.3.0 wrote them and the broker stored them: producer id is
 * the codec's number in the order below, epoch 0, sequence 0. The records: one with headers h=1, h=null, é=(empty), a
 * tombstone, one without a key.
 */
export const writtenByJava = {
  none:
    'AAAAAAAAAAAAAAEPAAAAAAICLG+AAAAAAAACAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAAAyoAAAAEazEEdjEGAmgCMQJoAQTDqQ' +
    'AQAAkCBGsyAQD6AgDAmgwEAegCbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2Ug' +
    'bWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbW' +
    'lsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgbWlsbHJhY2UgAA==',
  gzip:
    'AAAAAAAAAAAAAAB7AAAAAAL5imr5AAEAAAACAAABi8/laAAAAAGLz+buoAAAAAAAAAABAAAAAAAAAAAAAx+LCAAAAAAAAP/TYmBgYMk2ZCkzZG' +
    'PKYDJkymBkObySQYCBk4kl24iR4RcTw4FZPCyML5hyM3NyihKTUxWGEIMBAG2J1RHeAAAA',
  snappy:
    'AAAAAAAAAAAAAACOAAAAAAK3OMg2AAIAAAACAAABi8/laAAAAAGLz+buoAAAAAAAAAACAAAAAAAAAAAAA4JTTkFQUFkAAAAAAQAAAAEAAABJ3g' +
    'HoKgAAAARrMQR2MQYCaAIxAmgBBMOpABAACQIEazIBAPoCAMCaDAQB6AJtaWxscmFjZSBtaWxscmFjZSD+EgD+EgCGEgAAAA==',
  lz4:
    'AAAAAAAAAAAAAAB9AAAAAALKHFi6AAMAAAACAAABi8/laAAAAAGLz+buoAAAAAAAAAADAAAAAAAAAAAAAwQiTRhgQII9AAAA/yMqAAAABGsxBH' +
    'YxBgJoAjECaAEEw6kAEAAJAgRrMgEA+gIAwJoMBAHoAm1pbGxyYWNlIAkAlFBhY2UgAAAAAAA=',
  zstd:
    'AAAAAAAAAAAAAAB4AAAAAALaynoxAAQAAAACAAABi8/laAAAAAGLz+buoAAAAAAAAAAEAAAAAAAAAAAAAyi1L/0AWNwBADQDKgAAAARrMQR2MQ' +
    'YCaAIxAmgBBMOpABAACQIEazIBAPoCAMCaDAQB6AJtaWxscmFjZSAAAQCCIlWgAQAA',
} as const
