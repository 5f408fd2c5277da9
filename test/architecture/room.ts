/** A folder of `src/`: what it holds, and the rooms from which its files may import anything, types included. */
export interface Room {
  readonly holds: string
  readonly knows: readonly string[]
}
