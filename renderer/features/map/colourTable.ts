/**
 * What each pair of texel bytes looks like: class, filter, difference and overlay in one look-up, 4096 colours that are
 * computed when the look changes and never per frame.
 */
import type { Look } from './painter.ts'
import type { Rgb } from './palette.ts'
import { changedBit, noFrame, writtenSlots } from './classMap.ts'
import { colourOf, dimmedShare, mix, rgbOf } from './palette.ts'

/** Colours by a texel's first byte, for each of its second ones. */
export const tableColumns = 256
export const tableRows = writtenSlots

export function tableIndex(first: number, second: number): number {
  return second * tableColumns + first
}

function packed([red, green, blue]: Rgb, alpha = 255): number {
  return (alpha << 24 | blue << 16 | green << 8 | red) >>> 0
}

/** RGBA, little-endian. Transparent where the hatch of what is unknown shows. */
export function colourTable(look: Look): Uint32Array {
  const [surface, ink] = [rgbOf(look.colours.surface), rgbOf(look.colours.ink)]
  const table = new Uint32Array(tableColumns * tableRows)
  for (const [classNumber, id] of look.scheme.ids.entries()) {
    const colour = rgbOf(colourOf(id, look.colours))
    for (const changed of [0, changedBit]) {
      const dimmed = (look.shown >> classNumber & 1) === 0 || (look.difference && changed === 0)
      const plain = mix(surface, colour, dimmed ? dimmedShare : 1)
      for (const [slot, strength] of look.written.entries())
        table[tableIndex(classNumber | changed, slot)] = classNumber === 0 && strength === 0 && !dimmed ? 0 : packed(mix(plain, ink, strength))
    }
  }
  for (let slot = 0; slot < writtenSlots; slot++)
    table[tableIndex(noFrame, slot)] = packed(surface)
  return table
}

/** Whether both give the same table. */
export function isSameLook(a: Look, b: Look): boolean {
  return a.colours === b.colours && a.shown === b.shown && a.difference === b.difference && a.written.every((strength, slot) => strength === b.written[slot])
}
