import type { Place } from '../region.ts'
import type { Truck } from './fleet.ts'
import type { Palette } from './palette.ts'
import type { View } from './view.ts'

/** A truck on its way to where it was seen last. */
export interface Moving extends Place {
  readonly truck: Truck
  /** Radians, clockwise from north. */
  readonly heading: number
  readonly isSpeeding: boolean
  readonly isSelected: boolean
}

/** Parts that a trail fades in. */
const PARTS = 12

/** Draws the trucks: first all trails, then those that are too fast, above the others. */
export function drawFleet(
  canvas: CanvasRenderingContext2D,
  fleet: readonly Moving[],
  view: View,
  palette: Palette,
  time: number,
): void {
  const ordered = fleet.toSorted((a, b) => Number(a.isSpeeding) - Number(b.isSpeeding))
  for (const each of ordered) drawTrail(canvas, each, view, palette)
  for (const each of ordered) drawTruck(canvas, each, view, palette, time)
}

function drawTrail(canvas: CanvasRenderingContext2D, moving: Moving, view: View, palette: Palette): void {
  const points = [...moving.truck.trail.slice(0, -1).map(({ place }) => place), moving]
  canvas.strokeStyle = moving.isSpeeding ? palette.alert : palette.truck
  canvas.lineWidth = 3
  canvas.lineCap = 'round'
  const each = Math.max(1, Math.ceil((points.length - 1) / PARTS))
  for (let from = 0; from < points.length - 1; from += each) {
    canvas.globalAlpha = 0.6 * ((from + each) / points.length)
    canvas.beginPath()
    for (const [index, { east, north }] of points.slice(from, from + each + 1).entries()) {
      if (index === 0) canvas.moveTo(view.x(east), view.y(north))
      else canvas.lineTo(view.x(east), view.y(north))
    }
    canvas.stroke()
  }
  canvas.globalAlpha = 1
}

function drawTruck(
  canvas: CanvasRenderingContext2D,
  { truck, east, north, heading, isSpeeding, isSelected }: Moving,
  view: View,
  palette: Palette,
  time: number,
): void {
  const [x, y] = [view.x(east), view.y(north)]
  const color = isSpeeding ? palette.alert : palette.truck
  if (isSpeeding) {
    const phase = (time % 1400) / 1400
    ring(canvas, x, y, 8 + 12 * phase, color, 0.5 * (1 - phase))
  }
  if (isSelected) ring(canvas, x, y, 14, color, 0.9)
  canvas.save()
  canvas.translate(x, y)
  canvas.rotate(heading)
  canvas.beginPath()
  canvas.moveTo(0, -8.5)
  canvas.lineTo(5.6, 6)
  canvas.quadraticCurveTo(0, 3, -5.6, 6)
  canvas.closePath()
  canvas.lineJoin = 'round'
  canvas.lineWidth = 3
  canvas.strokeStyle = palette.halo
  canvas.stroke()
  canvas.fillStyle = color
  canvas.fill()
  canvas.restore()
  if (!isSelected) return
  canvas.font = `600 12.5px ${palette.font}`
  canvas.lineWidth = 4
  canvas.strokeStyle = palette.halo
  canvas.strokeText(truck.status.driver, x + 18, y + 4)
  canvas.fillStyle = color
  canvas.fillText(truck.status.driver, x + 18, y + 4)
}

function ring(
  canvas: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  color: string,
  alpha: number,
): void {
  canvas.globalAlpha = alpha
  canvas.beginPath()
  canvas.arc(x, y, radius, 0, 2 * Math.PI)
  canvas.lineWidth = 2
  canvas.strokeStyle = color
  canvas.stroke()
  canvas.globalAlpha = 1
}
