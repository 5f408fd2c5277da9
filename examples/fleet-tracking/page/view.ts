import { SIZE } from '../region.ts'

/** Pixels at the edges that nothing of the region needs. */
const NARROW = 760

/** Where a place of the region is on the screen. */
export class View {
  readonly width: number
  readonly height: number
  /** Pixels a kilometre. */
  readonly scale: number
  readonly #left: number
  readonly #bottom: number

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    // The panel beside it covers a part of a wide window, and the lower part of a narrow one.
    const free = width > NARROW ? { width: width - 300, height } : { width, height: height * 0.62 }
    this.scale = Math.max(free.width / (SIZE.east - 8), free.height / SIZE.north)
    if (width <= NARROW) this.scale = free.width / (SIZE.east - 8)
    this.#left = (free.width - SIZE.east * this.scale) / 2 - 2 * this.scale
    this.#bottom = free.height - (free.height - SIZE.north * this.scale) / 2
  }

  x(east: number): number {
    return this.#left + east * this.scale
  }

  y(north: number): number {
    return this.#bottom - north * this.scale
  }
}
