/** The checksum of record batches. */
export { crc32c } from '../../platform/crc32c.ts'
