/** The buffer without bytes. */
export const NO_BYTES = Buffer.alloc(0)
