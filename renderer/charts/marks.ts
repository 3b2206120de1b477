/** A dot with its words on a chart, and where the words go: beside their dot, inside the chart, on nobody else. */
import type { Tone } from './colours.ts'

export interface ChartMark {
  /** ms, and the chart's own unit. */
  x: number
  y: number
  tone: Tone
  text: string
  dot: boolean
  /** Text heights by which the words stand below their dot's height; negative: above. */
  nudge?: number
  /** A second thought: axis size, not bold. */
  small?: boolean
}

export interface Area {
  left: number
  right: number
  top: number
  bottom: number
}

export interface PlacedText {
  /** Left end and middle of the text. */
  x: number
  y: number
}

const gap = 10

interface Box extends PlacedText {
  width: number
  height: number
}

function meet(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < (a.height + b.height) / 2
}

function within(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high))
}

/** Right of the dot; where that would leave the chart, left of it above its line, or below. Later texts make way for earlier ones, down or up. */
export function placeTexts(dots: readonly { x: number, y: number, width: number, height: number, nudge: number }[], area: Area): PlacedText[] {
  const placed: Box[] = []
  for (const { x, y, width, height, nudge } of dots) {
    const fits = x + gap + width <= area.right
    const box: Box = {
      x: fits ? x + gap : within(x + gap - width, area.left + 4, area.right - width),
      y: fits ? y + nudge * height : y - 1.1 * height >= area.top - height / 2 ? y - 1.1 * height : y + 2 * height,
      width,
      height,
    }
    box.y = within(box.y, area.top + height / 2 - 4, area.bottom - height / 2)
    const inTheWay = placed.find(other => meet(box, other))
    if (inTheWay) {
      const below = inTheWay.y + (inTheWay.height + height) / 2
      box.y = y >= inTheWay.y && below + height / 2 <= area.bottom + 2 ? below : Math.max(area.top, inTheWay.y - (inTheWay.height + height) / 2)
    }
    placed.push(box)
  }
  return placed.map(({ x, y }) => ({ x, y }))
}
