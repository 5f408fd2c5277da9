const NAMES = [
  'sea',
  'depth',
  'land',
  'coast',
  'hill',
  'wood',
  'fresh',
  'road',
  'casing',
  'town',
  'halo',
  'grid',
  'truck',
  'alert',
] as const

export type Palette = Readonly<Record<(typeof NAMES)[number] | 'font', string>>

/** Returns the colours of the map, as the style sheet has them for the theme. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const colors = NAMES.map((name) => [name, style.getPropertyValue(`--map-${name}`).trim()] as const)
  return { ...Object.fromEntries(colors), font: style.fontFamily } as Palette
}
