import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { drawFleet, type Moving } from './draw-fleet.ts'
import { drawRegion } from './draw-region.ts'
import { isSpeeding, select, selected, trucks } from './fleet.ts'
import { readPalette, type Palette } from './palette.ts'
import { View } from './view.ts'

/** ms in which a truck goes most of the way to where it was seen last: readings come one by one. */
const EASE = 140
/** Pixels beside a truck that still mean it. */
const NEAR = 18

/** The map, drawn again for each frame over a picture of the region. */
export function FleetMap(): JSX.Element {
  const place = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const map = new Painter(place.current!)
    map.start()
    return () => map.stop()
  }, [])
  return <canvas class="map" ref={place} role="img" aria-label="Map of the region with its trucks" />
}

class Painter {
  readonly #canvas: HTMLCanvasElement
  readonly #moving = new Map<string, Moving>()
  readonly #abort = new AbortController()
  #view: View
  #palette: Palette
  #region: HTMLCanvasElement
  #frame = 0
  #last = 0

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas
    this.#view = new View(1, 1)
    this.#palette = readPalette(canvas)
    this.#region = document.createElement('canvas')
  }

  start(): void {
    const { signal } = this.#abort
    addEventListener('resize', () => this.#fit(), { signal })
    matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => this.#fit(), { signal })
    this.#canvas.addEventListener('click', (event) => this.#choose(event.offsetX, event.offsetY), { signal })
    // Names of towns are in a font that may still be loading.
    void document.fonts.ready.then(() => this.#fit())
    this.#fit()
    this.#draw(performance.now())
  }

  stop(): void {
    this.#abort.abort()
    cancelAnimationFrame(this.#frame)
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas
    this.#palette = readPalette(this.#canvas)
    this.#view = new View(width, height)
    for (const canvas of [this.#canvas, this.#region]) {
      canvas.width = width * devicePixelRatio
      canvas.height = height * devicePixelRatio
      canvas.getContext('2d')!.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    }
    drawRegion(this.#region.getContext('2d')!, this.#view, this.#palette)
  }

  #draw(time: number): void {
    this.#frame = requestAnimationFrame((next) => this.#draw(next))
    const share = 1 - Math.exp(-(time - this.#last) / EASE)
    this.#last = time
    this.#move(share)
    const context = this.#canvas.getContext('2d')!
    const { width, height } = this.#view
    context.clearRect(0, 0, width, height)
    context.drawImage(this.#region, 0, 0, width, height)
    drawFleet(context, [...this.#moving.values()], this.#view, this.#palette, time)
  }

  /** Moves every truck a part of the way to where it is. */
  #move(share: number): void {
    for (const truck of trucks.value.values()) {
      const target = truck.trail.at(-1)!.place
      const before = truck.trail.at(-2)?.place ?? target
      const moving = this.#moving.get(truck.id)
      const east = moving === undefined ? target.east : moving.east + (target.east - moving.east) * share
      const north = moving === undefined ? target.north : moving.north + (target.north - moving.north) * share
      const heading =
        before === target ? (moving?.heading ?? 0) : Math.atan2(target.east - before.east, target.north - before.north)
      this.#moving.set(truck.id, {
        truck,
        east,
        north,
        heading: turned(moving?.heading ?? heading, heading, share),
        isSpeeding: isSpeeding(truck),
        isSelected: selected.value === truck.id,
      })
    }
  }

  #choose(x: number, y: number): void {
    let nearest: string | undefined
    let least = NEAR
    for (const { truck, east, north } of this.#moving.values()) {
      const distance = Math.hypot(this.#view.x(east) - x, this.#view.y(north) - y)
      if (distance < least) [nearest, least] = [truck.id, distance]
    }
    void select(nearest)
  }
}

/** Turns from one heading to another, the short way round. */
function turned(from: number, to: number, share: number): number {
  const rest = ((to - from + 3 * Math.PI) % (2 * Math.PI)) - Math.PI
  return from + rest * share
}
