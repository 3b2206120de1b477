/** What paints the map: WebGL2 where it is to be had, a plain canvas otherwise. */
import type { ClassMap } from './classMap.ts'
import type { MapColours } from './palette.ts'
import type { ClassScheme } from './scheme.ts'
import type { Viewport } from './viewport.ts'
import { tileSide } from './classMap.ts'
import { cellOf } from './hilbert.ts'

export interface Look {
  scheme: ClassScheme
  /** The scheme's, of one theme. */
  colours: MapColours
  /** Bit of each class number that shows; the others are dimmed. */
  shown: number
  /** Only what has changed since the snapshot. */
  difference: boolean
  /** By slot, 0 … 1; all 0 where writes do not show. */
  written: Float32Array
}

export interface MapPainter {
  /** Takes over the texels of the map's touched tiles. */
  update: (map: ClassMap) => void
  paint: (view: Viewport, look: Look) => void
  /** Frees what is not freed with the canvas. */
  dispose: () => void
}

export interface Tile {
  column: number
  row: number
  columns: number
  rows: number
}

/** Where the touched tiles lie; they are no longer touched then. */
export function takeTiles({ layout, touched }: ClassMap): Tile[] {
  const tiles = Array.from(touched, (tile) => {
    const { column, row } = cellOf(layout, tile * tileSide * tileSide)
    const [left, top] = [column - column % tileSide, row - row % tileSide]
    return { column: left, row: top, columns: Math.min(tileSide, layout.columns - left), rows: Math.min(tileSide, layout.rows - top) }
  })
  touched.clear()
  return tiles
}
