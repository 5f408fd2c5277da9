/**
 * A number in [0, 1) that depends on nothing but its arguments, so that record `i` of a generator can be had without
 * the records before it.
 */
export function randomAt(seed: number, index: number, purpose: number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  hash = mix(hash ^ index)
  hash = mix(hash ^ Math.floor(index / 0x1_0000_0000))
  hash = mix(hash ^ Math.imul(purpose + 1, 0xc2b2ae35))
  return (hash >>> 0) / 0x1_0000_0000
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97)
  return hash ^ (hash >>> 15)
}
