/**
 * The colours of the map, and how its classes are grouped. Any two solid ones of a theme differ by ΔE76 ≥ 15.9 in normal,
 * protan, deutan and tritan sight, and from either lane by ≥ 29 in normal sight (test/renderer/memory/palette.test.ts).
 * Here and not in the style sheet, because a shader reads them.
 */
import type { PageClassId } from '../../../shared/model/pageClass.ts'
import { pageClasses } from '../../../shared/model/pageClass.ts'

type SolidClass = Exclude<PageClassId, 'unknown'>

export interface MapColours {
  classes: Readonly<Record<SolidClass, string>>
  /** Ground of the map; unknown pages are this, hatched in `hatch`. */
  surface: string
  hatch: string
  /** Outlines, and pages that were found written. */
  ink: string
  text: string
  muted: string
  line: string
}

export type MapTheme = 'light' | 'dark'

export const mapColours: Readonly<Record<MapTheme, MapColours>> = {
  light: {
    classes: {
      free: '#EDF2F5',
      zero: '#B7C0C8',
      anon: '#E3A51F',
      cache: '#3FA06E',
      cacheMapped: '#9BE8BC',
      swapCache: '#C79BFF',
      slab: '#CE64AE',
      pageTable: '#F5EA60',
      huge: '#8A5409',
      kernelOther: '#63409A',
      offline: '#2E353B',
      reserved: '#667079',
    },
    surface: '#FFFFFF',
    hatch: '#B4BDC6',
    ink: '#12171D',
    text: '#434D58',
    muted: '#606B77',
    line: '#DCE1E5',
  },
  dark: {
    classes: {
      free: '#252C32',
      zero: '#515A62',
      anon: '#D1A11A',
      cache: '#0E9160',
      cacheMapped: '#5CD9A2',
      swapCache: '#C79BFF',
      slab: '#B866AE',
      pageTable: '#F5EC78',
      huge: '#85561A',
      kernelOther: '#7B55C2',
      offline: '#000206',
      reserved: '#8D969E',
    },
    surface: '#14191F',
    hatch: '#4A5661',
    ink: '#FFFFFF',
    text: '#BAC4CD',
    muted: '#8D99A5',
    line: '#2A323B',
  },
}

export const classGroups = [
  { id: 'nothing', classes: ['free', 'zero'] },
  { id: 'programs', classes: ['anon', 'huge', 'swapCache'] },
  { id: 'files', classes: ['cache', 'cacheMapped'] },
  { id: 'kernel', classes: ['slab', 'pageTable', 'kernelOther', 'reserved'] },
  { id: 'outside', classes: ['offline', 'unknown'] },
] as const satisfies readonly { id: string, classes: readonly PageClassId[] }[]

export type ClassGroupId = typeof classGroups[number]['id']

export type Rgb = readonly [red: number, green: number, blue: number]

/** 0 … 255 each. */
export function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, value >> 8 & 0xFF, value & 0xFF]
}

/** By class number. An unknown page has the ground's colour; who paints it adds the hatch. */
export function classColours(colours: MapColours): Rgb[] {
  return pageClasses.map(({ id }) => rgbOf(id === 'unknown' ? colours.surface : colours.classes[id]))
}

/** A swatch's style: solid, or hatched for unknown pages. */
export function swatchStyle(id: PageClassId, colours: MapColours): { background: string } {
  return { background: id === 'unknown'
    ? `repeating-linear-gradient(135deg, ${colours.hatch} 0 1px, ${colours.surface} 1px 4px)`
    : colours.classes[id] }
}

/** Of a colour that is filtered out, this much is left on the ground. */
export const dimmedShare = 0.13

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2): number => from[index] + (to[index] - from[index]) * share
  return [part(0), part(1), part(2)]
}
