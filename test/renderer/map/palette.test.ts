import { describe, expect, it } from 'vitest'
import { diskScheme } from '../../../renderer/features/disk/diskScheme.ts'
import { mix, rgbOf } from '../../../renderer/features/map/palette.ts'
import { memoryScheme } from '../../../renderer/features/memory/memoryScheme.ts'

type Triple = readonly [number, number, number]
type Matrix = readonly [Triple, Triple, Triple]

/** Linear light, severity 1: Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009). */
const sights: Record<string, Matrix> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
/** sRGB to XYZ, D65. */
const toXyz: Matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
const white: Triple = [0.95047, 1, 1.08883]

/** The lanes of renderer/app/theme.css. */
const lanes = { light: ['#D55E00', '#0072B2'], dark: ['#F08A3C', '#4CB0EE'] }

function times(matrix: Matrix, [a, b, c]: Triple): Triple {
  const row = ([x, y, z]: Triple): number => x * a + y * b + z * c
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])]
}
function linear(hex: string): Triple {
  const part = (value: number): number => value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
  const [red, green, blue] = rgbOf(hex)
  return [part(red), part(green), part(blue)]
}
function lab(light: Triple): Triple {
  const f = (t: number): number => t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116
  const [x, y, z] = times(toXyz, light)
  const [fx, fy, fz] = [f(x / white[0]), f(y / white[1]), f(z / white[2])]
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]
}
function seen(hex: string, sight: Matrix): Triple {
  const [red, green, blue] = times(sight, linear(hex))
  const held = (value: number): number => Math.min(1, Math.max(0, value))
  return lab([held(red), held(green), held(blue)])
}
function distance(a: Triple, b: Triple): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}

const schemes = [memoryScheme, diskScheme]
const looks = schemes.flatMap(scheme => (['light', 'dark'] as const).map(theme => ({ scheme, theme, words: scheme.words })))

describe.each(looks)('the colours of the $words map, $theme', ({ scheme, theme }) => {
  const colours = Object.entries(scheme.colours[theme].classes)

  it('are there for every class but unknown, each of which is in one group', () => {
    expect(scheme.ids[0]).toBe('unknown')
    expect(colours.map(([id]) => id).sort()).toEqual(scheme.ids.slice(1).sort())
    expect(scheme.groups.flatMap(({ classes }) => classes).sort()).toEqual([...scheme.ids].sort())
  })

  it.each(Object.keys(sights))('tells any two classes apart in %s sight', (sight) => {
    for (const [index, [name, hex]] of colours.entries()) {
      for (const [otherName, other] of colours.slice(index + 1))
        expect(distance(seen(hex, sights[sight]!), seen(other, sights[sight]!)), `${name} and ${otherName}`).toBeGreaterThanOrEqual(15.9)
    }
  })

  it('takes no class for a lane', () => {
    for (const lane of lanes[theme]) {
      for (const [name, hex] of colours)
        expect(distance(lab(linear(hex)), lab(linear(lane))), `${name} and ${lane}`).toBeGreaterThanOrEqual(29)
    }
  })
})

describe('mix', () => {
  it('goes from one colour to the other', () => {
    expect(mix([0, 100, 200], [100, 100, 0], 0.25)).toEqual([25, 100, 150])
  })
})
