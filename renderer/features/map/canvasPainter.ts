/**
 * Paints without WebGL2: a picture of one pixel a cell, of which only touched tiles are coloured anew, drawn enlarged.
 * Also makes the picture that is exported.
 */
import type { ClassMap } from './classMap.ts'
import type { Look, MapPainter, Tile } from './painter.ts'
import type { Viewport } from './viewport.ts'
import { colourTable, isSameLook, tableIndex } from './colourTable.ts'
import { takeTiles } from './painter.ts'
import { scaleOf } from './viewport.ts'

const hatchPixels = 5

function hatchPattern({ hatch, surface }: { hatch: string, surface: string }): CanvasPattern {
  const tile = document.createElement('canvas')
  tile.width = hatchPixels
  tile.height = hatchPixels
  const context = tile.getContext('2d')!
  context.fillStyle = surface
  context.fillRect(0, 0, hatchPixels, hatchPixels)
  context.fillStyle = hatch
  for (let at = 0; at < hatchPixels; at++)
    context.fillRect(at, hatchPixels - 1 - at, 1, 1)
  return context.createPattern(tile, 'repeat')!
}

/** One pixel a cell. */
export class CellPicture {
  readonly canvas = document.createElement('canvas')
  private readonly context: CanvasRenderingContext2D
  private readonly map: ClassMap

  constructor(map: ClassMap) {
    this.map = map
    this.canvas.width = map.layout.columns
    this.canvas.height = map.layout.rows
    this.context = this.canvas.getContext('2d')!
  }

  colour({ column, row, columns, rows }: Tile, table: Uint32Array): void {
    const image = this.context.createImageData(columns, rows)
    const pixels = new Uint32Array(image.data.buffer)
    const { texels, layout } = this.map
    for (let y = 0; y < rows; y++) {
      let at = 2 * ((row + y) * layout.columns + column)
      for (let x = 0; x < columns; x++, at += 2)
        pixels[y * columns + x] = table[tableIndex(texels[at]!, texels[at + 1]!)]!
    }
    this.context.putImageData(image, column, row)
  }

  colourAll(look: Look): void {
    const { columns, rows } = this.map.layout
    const table = colourTable(look)
    for (let row = 0; row < rows; row += 64)
      this.colour({ column: 0, row, columns, rows: Math.min(64, rows - row) }, table)
  }
}

export class CanvasPainter implements MapPainter {
  private readonly context: CanvasRenderingContext2D
  private map: ClassMap | null = null
  private picture: CellPicture | null = null
  private tiles: Tile[] = []
  private look: Look | null = null

  constructor(canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d', { alpha: false })!
  }

  update(map: ClassMap): void {
    if (this.map === map) {
      this.tiles.push(...takeTiles(map))
      return
    }
    map.touched.clear()
    this.map = map
    this.picture = new CellPicture(map)
    this.look = null
  }

  private bringUpToDate(picture: CellPicture, look: Look): void {
    if (this.look && isSameLook(this.look, look)) {
      const table = this.tiles.length > 0 ? colourTable(look) : new Uint32Array()
      for (const tile of this.tiles)
        picture.colour(tile, table)
    }
    else {
      picture.colourAll(look)
    }
    this.tiles = []
    this.look = look
  }

  paint(view: Viewport, look: Look): void {
    const { context, picture } = this
    if (!picture)
      return
    this.bringUpToDate(picture, look)
    drawPicture(context, picture.canvas, look.colours, view)
  }

  dispose(): void {
    this.picture = null
  }
}

/** The cells of `view`, with the hatch behind them, over the whole of its rectangle. */
export function drawPicture(context: CanvasRenderingContext2D, picture: HTMLCanvasElement, colours: Look['colours'], view: Viewport): void {
  const scale = scaleOf(view)
  context.imageSmoothingEnabled = false
  context.fillStyle = colours.surface
  context.fillRect(0, 0, view.width, view.height)
  const [left, top] = [-view.column * scale, -view.row * scale]
  context.fillStyle = hatchPattern(colours)
  context.fillRect(left, top, picture.width * scale, picture.height * scale)
  context.drawImage(picture, left, top, picture.width * scale, picture.height * scale)
}
