/** A store that can be told beforehand which keys it will be asked for. */
export interface KeyReader {
  /**
   * Reads in one go what the engine has of these keys, none of them null, and is not in memory yet. The answer stands for what was read: `referenced`
   * becomes true when the store is asked for it.
   */
  prefetch(keys: readonly unknown[]): readonly { readonly referenced: boolean }[]
}
