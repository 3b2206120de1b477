/** Where the hover card stands: beside the outline, never on it where there is room anywhere. */
import type { Box } from './outline.ts'

export interface Size {
  width: number
  height: number
}

const gap = 12

function hold(at: number, size: number, room: number): number {
  return Math.max(0, Math.min(at, room - size))
}

/** All in pixels of the area. `from`: where the pointer is, for an outline that fills the area: the card takes the far corner. */
export function placeCard(outline: Box, card: Size, area: Size, from: { x: number, y: number }): { left: number, top: number } {
  const besideTop = hold(outline.top, card.height, area.height)
  const besideLeft = hold(outline.left, card.width, area.width)
  if (outline.right + gap + card.width <= area.width)
    return { left: outline.right + gap, top: besideTop }
  if (outline.left - gap - card.width >= 0)
    return { left: outline.left - gap - card.width, top: besideTop }
  if (outline.bottom + gap + card.height <= area.height)
    return { left: besideLeft, top: outline.bottom + gap }
  if (outline.top - gap - card.height >= 0)
    return { left: besideLeft, top: outline.top - gap - card.height }
  return { left: from.x > area.width / 2 ? 0 : area.width - card.width, top: from.y > area.height / 2 ? 0 : area.height - card.height }
}
