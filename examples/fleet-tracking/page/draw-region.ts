import { region, SIZE, TOWNS, type Place, type Town } from '../region.ts'
import type { Palette } from './palette.ts'
import type { View } from './view.ts'

type Canvas = CanvasRenderingContext2D

/** Hills and woods: where, and how large, in kilometres. */
const HILLS: readonly (Place & { readonly size: number })[] = [
  { east: 60, north: 37, size: 7.5 },
  { east: 24, north: 39, size: 5 },
  { east: 49.6, north: 35.4, size: 4.2 },
  { east: 22.6, north: 25.2, size: 2.6 },
  { east: 59.4, north: 25.2, size: 3 },
]
const WOODS: readonly (Place & { readonly size: number })[] = [
  { east: 24.4, north: 18.4, size: 2.4 },
  { east: 37.4, north: 20.6, size: 3.4 },
  { east: 41.6, north: 21.4, size: 2.2 },
  { east: 22.4, north: 29.2, size: 2.6 },
  { east: 49.6, north: 13.8, size: 2 },
  { east: 58.4, north: 28.6, size: 2.6 },
  { east: 31.4, north: 31.6, size: 2 },
]

/** Widths of the sea's steps along the coast, in kilometres, from the deep to the shallow. */
const DEPTHS = [5.2, 3.4, 1.9, 0.9]

/** Draws what does not move: sea, land, roads and towns. */
export function drawRegion(canvas: Canvas, view: View, palette: Palette): void {
  const { land, lake, river, roads } = region()
  canvas.fillStyle = palette.sea
  canvas.fillRect(0, 0, view.width, view.height)
  canvas.lineJoin = canvas.lineCap = 'round'
  drawGrid(canvas, view, palette)
  const shore = outlineOf(land, view)
  for (const depth of DEPTHS) line(canvas, shore, palette.depth, depth * 2 * view.scale)
  canvas.fillStyle = palette.land
  canvas.fill(shore)
  canvas.save()
  canvas.clip(shore)
  for (const wood of WOODS) drawWood(canvas, wood, view, palette)
  for (const hill of HILLS) drawHill(canvas, hill, view, palette)
  line(canvas, pathOf(river, view), palette.fresh, Math.max(1.6, 0.16 * view.scale))
  canvas.restore()
  const water = pathOf(lake, view)
  canvas.fillStyle = palette.sea
  canvas.fill(water)
  line(canvas, water, palette.coast, 1)
  line(canvas, shore, palette.coast, 1.2)
  const ways = roads.map((road) => pathOf(road, view))
  for (const way of ways) line(canvas, way, palette.casing, 5)
  for (const way of ways) line(canvas, way, palette.road, 2.4)
  for (const town of Object.values(TOWNS)) drawTown(canvas, town, view, palette)
  drawScale(canvas, view, palette)
}

function drawGrid(canvas: Canvas, view: View, palette: Palette): void {
  const grid = new Path2D()
  for (let east = -20; east <= SIZE.east + 30; east += 10) {
    grid.moveTo(Math.round(view.x(east)) + 0.5, 0)
    grid.lineTo(Math.round(view.x(east)) + 0.5, view.height)
  }
  for (let north = -30; north <= SIZE.north + 30; north += 10) {
    grid.moveTo(0, Math.round(view.y(north)) + 0.5)
    grid.lineTo(view.width, Math.round(view.y(north)) + 0.5)
  }
  line(canvas, grid, palette.grid, 1)
}

/** Contour lines, closer to each other on one side. */
function drawHill(canvas: Canvas, { east, north, size }: (typeof HILLS)[number], view: View, palette: Palette): void {
  for (let step = 1; step <= 6; step++) {
    const radius = (size * step) / 6
    const ring = new Path2D()
    for (let degree = 0; degree <= 360; degree += 6) {
      const angle = (degree * Math.PI) / 180
      const wave = 1 + 0.14 * Math.sin(3 * angle + east) + 0.08 * Math.sin(5 * angle + north)
      const x = view.x(east + Math.cos(angle) * radius * wave - (size - radius) * 0.25)
      const y = view.y(north + Math.sin(angle) * radius * wave * 0.82 + (size - radius) * 0.18)
      if (degree === 0) ring.moveTo(x, y)
      else ring.lineTo(x, y)
    }
    line(canvas, ring, palette.hill, 1)
  }
}

/** Some clearings and a soft edge: seven circles, each half as large as all of them. */
function drawWood(canvas: Canvas, { east, north, size }: (typeof WOODS)[number], view: View, palette: Palette): void {
  for (let part = 0; part < 7; part++) {
    const [angle, away] = [
      (part * 2 * Math.PI) / 6 + east,
      part === 6 ? 0 : size * (0.5 + 0.3 * Math.sin(part * north)),
    ]
    const [x, y] = [view.x(east + Math.cos(angle) * away * 1.3), view.y(north + Math.sin(angle) * away * 0.8)]
    const radius = size * 0.75 * view.scale
    const shade = canvas.createRadialGradient(x, y, 0, x, y, radius)
    shade.addColorStop(0, `${palette.wood}70`)
    shade.addColorStop(1, `${palette.wood}00`)
    canvas.fillStyle = shade
    canvas.fillRect(x - radius, y - radius, radius * 2, radius * 2)
  }
}

function drawTown(canvas: Canvas, { name, east, north, rank }: Town, view: View, palette: Palette): void {
  const [x, y] = [view.x(east), view.y(north)]
  canvas.beginPath()
  canvas.arc(x, y, 2 + rank, 0, 2 * Math.PI)
  canvas.fillStyle = palette.land
  canvas.fill()
  canvas.lineWidth = 1.8
  canvas.strokeStyle = palette.town
  canvas.stroke()
  canvas.font = `${rank === 3 ? 600 : 500} ${[11, 11.5, 12, 13.5][rank]}px ${palette.font}`
  canvas.lineWidth = 4
  canvas.strokeStyle = palette.halo
  canvas.strokeText(name, x + 9, y - 7)
  canvas.fillStyle = palette.town
  canvas.fillText(name, x + 9, y - 7)
}

function drawScale(canvas: Canvas, view: View, palette: Palette): void {
  const [x, y] = [24, view.height - 26]
  const bar = new Path2D()
  bar.moveTo(x, y - 5)
  bar.lineTo(x, y)
  bar.lineTo(x + 10 * view.scale, y)
  bar.lineTo(x + 10 * view.scale, y - 5)
  line(canvas, bar, palette.town, 1.4)
  canvas.font = `500 11px ${palette.font}`
  canvas.fillStyle = palette.town
  canvas.fillText('10 km', x, y - 10)
}

function outlineOf(rings: readonly (readonly Place[])[], view: View): Path2D {
  const outline = new Path2D()
  for (const ring of rings) {
    outline.addPath(pathOf(ring, view))
    outline.closePath()
  }
  return outline
}

export function pathOf(places: readonly Place[], view: View): Path2D {
  const path = new Path2D()
  for (const [index, { east, north }] of places.entries()) {
    if (index === 0) path.moveTo(view.x(east), view.y(north))
    else path.lineTo(view.x(east), view.y(north))
  }
  return path
}

function line(canvas: Canvas, path: Path2D, color: string, width: number): void {
  canvas.strokeStyle = color
  canvas.lineWidth = width
  canvas.stroke(path)
}
