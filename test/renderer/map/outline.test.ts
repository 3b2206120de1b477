import type { boxOf } from '../../../renderer/features/map/outline.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellOf, layOut } from '../../../renderer/features/map/hilbert.ts'
import { outlineOf, squaresOf } from '../../../renderer/features/map/outline.ts'
import { placeCard } from '../../../renderer/features/map/placeCard.ts'

const layout = layOut(4096)
const someRun = fc.tuple(fc.nat(4095), fc.nat(4095)).map(([a, b]) => ({ first: Math.min(a, b), count: Math.abs(a - b) + 1 }))

describe('the outline of a run', () => {
  it('is made of squares that hold its pages and no others', () => {
    fc.assert(fc.property(someRun, ({ first, count }) => {
      const covered = new Set(squaresOf(layout, first, count).flatMap(({ column, row, side }) =>
        Array.from({ length: side * side }, (_, at) => (row + Math.floor(at / side)) * layout.columns + column + at % side)))
      expect(covered).toEqual(new Set(layout.cells.subarray(first, first + count)))
    }), { numRuns: 50 })
  })

  it('has an edge exactly where a page of the run meets one that is not', () => {
    fc.assert(fc.property(someRun, ({ first, count }) => {
      const inside = new Set(Array.from(layout.cells.subarray(first, first + count)))
      const isIn = (column: number, row: number): boolean => column >= 0 && row >= 0 && column < layout.columns && row < layout.rows && inside.has(row * layout.columns + column)
      let expected = 0
      for (let frame = first; frame < first + count; frame++) {
        const { column, row } = cellOf(layout, frame)
        expected += [isIn(column - 1, row), isIn(column + 1, row), isIn(column, row - 1), isIn(column, row + 1)].filter(neighbour => !neighbour).length
      }
      const length = outlineOf(squaresOf(layout, first, count)).reduce((sum, [x0, y0, x1, y1]) => sum + Math.abs(x1 - x0) + Math.abs(y1 - y0), 0)
      expect(length).toBe(expected)
    }), { numRuns: 50 })
  })

  it('takes few squares, however long the run', () => {
    expect(squaresOf(layout, 0, 4096)).toEqual([{ column: 0, row: 0, side: 64 }])
    expect(squaresOf(layout, 1, 4094).length).toBeLessThanOrEqual(6 * 6)
  })

  it('of nothing is nothing', () => {
    expect(outlineOf([])).toEqual([])
  })
})

describe('the hover card', () => {
  const card = { width: 200, height: 100 }
  const area = { width: 700, height: 700 }
  const overlaps = (box: ReturnType<typeof boxOf>, at: { left: number, top: number }): boolean =>
    at.left < box.right && at.left + card.width > box.left && at.top < box.bottom && at.top + card.height > box.top

  it('stands beside the outline and within the area wherever there is room', () => {
    const boxes = fc.tuple(fc.nat(699), fc.nat(699), fc.integer({ min: 1, max: 250 }), fc.integer({ min: 1, max: 700 }))
    fc.assert(fc.property(boxes, ([left, top, width, height]) => {
      const box = { left, top, right: Math.min(700, left + width), bottom: Math.min(700, top + height) }
      const place = placeCard(box, card, area, { x: left, y: top })
      expect(overlaps(box, place)).toBe(false)
      expect(place.left >= 0 && place.top >= 0 && place.left + card.width <= 700 && place.top + card.height <= 700).toBe(true)
    }))
  })

  it('takes the corner away from the pointer where the outline fills the area', () => {
    const box = { left: 0, top: 0, right: 700, bottom: 700 }
    expect(placeCard(box, card, area, { x: 10, y: 10 })).toEqual({ left: 500, top: 600 })
    expect(placeCard(box, card, area, { x: 690, y: 690 })).toEqual({ left: 0, top: 0 })
  })
})
