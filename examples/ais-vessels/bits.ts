/** The bits of an AIS message: each character of its payload has six of them (ITU-R M.1371, IEC 61162-1). */
export class Bits {
  readonly length: number
  readonly #sixes: Uint8Array

  /** @param fill number of bits at the end that are no part of the message */
  constructor(payload: string, fill: number) {
    this.#sixes = Uint8Array.from(payload, (character) => {
      const code = character.charCodeAt(0) - 48
      return code > 40 ? code - 8 : code
    })
    this.length = this.#sixes.length * 6 - fill
  }

  unsigned(start: number, length: number): number {
    let value = 0
    for (let at = start; at < start + length; at++) value = value * 2 + this.#bit(at)
    return value
  }

  /** Two's complement. */
  signed(start: number, length: number): number {
    const value = this.unsigned(start, length)
    return value < 2 ** (length - 1) ? value : value - 2 ** length
  }

  /** Text of six bits a character, which ends at the first `@`. */
  text(start: number, length: number): string {
    let text = ''
    for (let at = start; at + 6 <= start + length; at += 6) {
      const six = this.unsigned(at, 6)
      if (six === 0) break
      text += String.fromCharCode(six < 32 ? six + 64 : six)
    }
    return text.trimEnd()
  }

  #bit(at: number): number {
    return at < this.length ? ((this.#sixes[Math.floor(at / 6)] ?? 0) >> (5 - (at % 6))) & 1 : 0
  }
}
