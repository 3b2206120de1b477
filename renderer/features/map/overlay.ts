/** Draws over the map: the outline of a run, and the ring around the chosen frame. */
import type { Cell } from './hilbert.ts'
import type { Edge } from './outline.ts'
import type { MapColours } from './palette.ts'
import type { Viewport } from './viewport.ts'
import { scaleOf } from './viewport.ts'

export interface Marked {
  outline: readonly Edge[]
  chosen: Cell | null
}

const haloPixels = 4
const inkPixels = 1.75
/** A ring no smaller than this, so that one frame of very many can be seen. */
const leastRingPixels = 10

function strokeTwice(context: CanvasRenderingContext2D, { surface, ink }: MapColours, pixelRatio: number): void {
  for (const [colour, width] of [[surface, haloPixels], [ink, inkPixels]] as const) {
    context.strokeStyle = colour
    context.lineWidth = width * pixelRatio
    context.stroke()
  }
}

export function drawOverlay(context: CanvasRenderingContext2D, { outline, chosen }: Marked, view: Viewport, colours: MapColours, pixelRatio: number): void {
  const scale = scaleOf(view)
  const x = (column: number): number => (column - view.column) * scale
  const y = (row: number): number => (row - view.row) * scale
  context.clearRect(0, 0, view.width, view.height)
  context.lineCap = 'square'
  if (outline.length > 0) {
    context.beginPath()
    for (const [fromColumn, fromRow, toColumn, toRow] of outline) {
      context.moveTo(x(fromColumn), y(fromRow))
      context.lineTo(x(toColumn), y(toRow))
    }
    strokeTwice(context, colours, pixelRatio)
  }
  if (chosen) {
    const side = Math.max(scale + 4 * pixelRatio, leastRingPixels * pixelRatio)
    context.beginPath()
    context.rect(x(chosen.column + 0.5) - side / 2, y(chosen.row + 0.5) - side / 2, side, side)
    strokeTwice(context, colours, pixelRatio)
  }
}
