import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellAtPixel, fit, isWhole, panBy, resize, reveal, scaleOf, zoomAt } from '../../../renderer/features/map/viewport.ts'

const guest = { columns: 256, rows: 256 }
const large = { columns: 4096, rows: 4096 }

describe('the part of the map that shows', () => {
  it('is the whole guest at whole pixels a page when that fits, and less than one where it does not', () => {
    expect(scaleOf(fit(guest, 772, 771))).toBe(3)
    expect(scaleOf(fit(large, 768, 768))).toBeCloseTo(768 / 4096)
  })

  it('keeps the cell under the pointer when it grows', () => {
    fc.assert(fc.property(fc.nat(767), fc.nat(767), fc.double({ min: 1.2, max: 8, noNaN: true }), (x, y, factor) => {
      const before = fit(large, 768, 768)
      const after = zoomAt(large, before, factor, x, y)
      const [a, b] = [cellAtPixel(before, x, y), cellAtPixel(after, x, y)]
      const within = Math.ceil(1 / scaleOf(before))
      expect(Math.abs(a.column - b.column)).toBeLessThanOrEqual(within)
      expect(Math.abs(a.row - b.row)).toBeLessThanOrEqual(within)
    }))
  })

  it('never leaves the map, whatever is done to it', () => {
    const step = fc.oneof(
      fc.record({ zoom: fc.double({ min: 0.05, max: 20, noNaN: true }), x: fc.nat(767), y: fc.nat(767) }),
      fc.record({ x: fc.integer({ min: -3000, max: 3000 }), y: fc.integer({ min: -3000, max: 3000 }) }),
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const view = steps.reduce((now, each) => 'zoom' in each ? zoomAt(large, now, each.zoom, each.x, each.y) : panBy(large, now, each.x, each.y), fit(large, 768, 700))
      expect(view.column).toBeGreaterThanOrEqual(0)
      expect(view.row).toBeGreaterThanOrEqual(0)
      expect(view.column + view.width / scaleOf(view)).toBeLessThanOrEqual(Math.max(4096, view.width / scaleOf(view)) + 1e-6)
      expect(scaleOf(view)).toBeLessThanOrEqual(64)
    }))
  })

  it('follows a drag by as many pixels', () => {
    const view = zoomAt(guest, fit(guest, 768, 768), 4, 384, 384)
    const moved = panBy(guest, view, -24, 12)
    expect((moved.column - view.column) * scaleOf(view)).toBeCloseTo(24)
    expect((moved.row - view.row) * scaleOf(view)).toBeCloseTo(-12)
  })

  it('stays the whole guest in another window, and a part stays a part', () => {
    const whole = fit(guest, 768, 768)
    expect(isWhole(guest, resize(guest, whole, 520, 520))).toBe(true)
    const part = zoomAt(guest, whole, 4, 0, 0)
    expect(scaleOf(resize(guest, part, 520, 520))).toBe(scaleOf(part))
  })

  it('moves to show a cell, and does not where it shows already', () => {
    const view = zoomAt(guest, fit(guest, 768, 768), 4, 0, 0)
    const moved = reveal(guest, view, 200, 100)
    const { column, row } = cellAtPixel(moved, moved.width - 1, moved.height - 1)
    expect(moved.column).toBeLessThanOrEqual(200)
    expect(column).toBeGreaterThanOrEqual(200)
    expect(row).toBeGreaterThanOrEqual(100)
    expect(reveal(guest, view, 5, 5)).toEqual(view)
  })
})
