/** The checksum of record batches. */
export { crc32c } from '../../platform/checksum.ts'
