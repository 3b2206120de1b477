/** Colours of a map. Here and in the schemes, not in the style sheet, because a shader reads them. */

export type MapTheme = 'light' | 'dark'

export interface MapGround {
  /** Ground of the map; what is unknown is this, hatched in `hatch`. */
  surface: string
  hatch: string
  /** Outlines, and frames that were found written. */
  ink: string
  text: string
  muted: string
  line: string
}

export interface MapColours extends MapGround {
  /** By class id; all but "unknown". */
  classes: Readonly<Record<string, string>>
}

export const mapGrounds: Readonly<Record<MapTheme, MapGround>> = {
  light: { surface: '#FFFFFF', hatch: '#B4BDC6', ink: '#12171D', text: '#434D58', muted: '#606B77', line: '#DCE1E5' },
  dark: { surface: '#14191F', hatch: '#4A5661', ink: '#FFFFFF', text: '#BAC4CD', muted: '#8D99A5', line: '#2A323B' },
}

export type Rgb = readonly [red: number, green: number, blue: number]

/** 0 … 255 each. */
export function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, value >> 8 & 0xFF, value & 0xFF]
}

/** What is unknown has the ground's colour; who paints it adds the hatch. */
export function colourOf(id: string, colours: MapColours): string {
  return colours.classes[id] ?? colours.surface
}

/** A swatch's style: solid, or hatched for what is unknown. */
export function swatchStyle(id: string, colours: MapColours): { background: string } {
  return { background: id === 'unknown'
    ? `repeating-linear-gradient(135deg, ${colours.hatch} 0 1px, ${colours.surface} 1px 4px)`
    : colourOf(id, colours) }
}

/** Of a colour that is filtered out, this much is left on the ground. */
export const dimmedShare = 0.13

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2): number => from[index] + (to[index] - from[index]) * share
  return [part(0), part(1), part(2)]
}
