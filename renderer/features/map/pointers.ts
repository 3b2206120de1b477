/** Turns pointer events into what is meant: hover, press, drag, pinch, wheel. Positions are CSS pixels within the element. */

export interface PointerMeanings {
  hover: (x: number, y: number) => void
  leave: () => void
  pan: (x: number, y: number) => void
  /** `factor` above 1: larger, around (x, y). */
  zoom: (factor: number, x: number, y: number) => void
  /** Pressed and let go without moving. */
  press: (x: number, y: number) => void
}

interface Point {
  x: number
  y: number
}

const dragPixels = 4
const pixelsPerLine = 16
const zoomPerPixel = 0.002
/** A touch pad's pinch arrives as small wheel steps with Ctrl. */
const zoomPerPinchPixel = 0.01

function positionOf(event: MouseEvent): Point {
  const { left, top } = (event.currentTarget as Element).getBoundingClientRect()
  return { x: event.clientX - left, y: event.clientY - top }
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}

export class MapPointers {
  private readonly meanings: PointerMeanings
  private readonly held = new Map<number, Point>()
  private start: Point = { x: 0, y: 0 }
  private dragging = false

  constructor(meanings: PointerMeanings) {
    this.meanings = meanings
  }

  down(event: PointerEvent): void {
    if (event.button !== 0)
      return
    (event.currentTarget as Element).setPointerCapture(event.pointerId)
    this.start = positionOf(event)
    this.dragging = this.held.size > 0
    this.held.set(event.pointerId, this.start)
  }

  move(event: PointerEvent): void {
    const at = positionOf(event)
    const before = this.held.get(event.pointerId)
    if (!before) {
      this.meanings.hover(at.x, at.y)
      return
    }
    this.dragging ||= distance(at, this.start) > dragPixels
    if (!this.dragging)
      return
    const other = [...this.held].find(([id]) => id !== event.pointerId)?.[1]
    if (other)
      this.meanings.zoom(distance(at, other) / Math.max(1, distance(before, other)), (at.x + other.x) / 2, (at.y + other.y) / 2)
    const share = this.held.size
    this.meanings.pan((at.x - before.x) / share, (at.y - before.y) / share)
    this.held.set(event.pointerId, at)
  }

  up(event: PointerEvent): void {
    if (this.held.delete(event.pointerId) && !this.dragging)
      this.meanings.press(this.start.x, this.start.y)
  }

  cancel(event: PointerEvent): void {
    this.held.delete(event.pointerId)
  }

  leave(): void {
    if (this.held.size === 0)
      this.meanings.leave()
  }

  wheel(event: WheelEvent): void {
    event.preventDefault()
    const { x, y } = positionOf(event)
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? pixelsPerLine : 1)
    this.meanings.zoom(Math.exp(-pixels * (event.ctrlKey ? zoomPerPinchPixel : zoomPerPixel)), x, y)
  }
}
