import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellOf, frameAt, layOut, sideFor } from '../../../renderer/features/map/hilbert.ts'

const someFrames = fc.integer({ min: 1, max: 5000 })

describe('the layout of a map', () => {
  it('begins at the top left, and each page is beside the one before it', () => {
    fc.assert(fc.property(someFrames, (frames) => {
      const layout = layOut(frames)
      expect(cellOf(layout, 0)).toEqual({ column: 0, row: 0 })
      for (let frame = 1; frame < frames; frame++) {
        const [a, b] = [cellOf(layout, frame - 1), cellOf(layout, frame)]
        expect(Math.abs(a.column - b.column) + Math.abs(a.row - b.row)).toBe(1)
      }
    }), { numRuns: 30 })
  })

  it('finds the frame of a cell again, and none where none lies', () => {
    fc.assert(fc.property(someFrames, (frames) => {
      const layout = layOut(frames)
      const found = new Set<number>()
      for (let row = -1; row <= layout.rows; row++) {
        for (let column = -1; column <= layout.columns; column++) {
          const frame = frameAt(layout, { column, row })
          if (frame !== null) {
            expect(cellOf(layout, frame)).toEqual({ column, row })
            found.add(frame)
          }
        }
      }
      expect(found.size).toBe(frames)
    }), { numRuns: 30 })
  })

  it('is a square for 256 MB, and its upper half for 128 MB', () => {
    expect(layOut(65_536)).toMatchObject({ columns: 256, rows: 256 })
    expect(layOut(32_768)).toMatchObject({ columns: 256, rows: 128 })
  })

  it('grows by a few columns for a few pages more', () => {
    expect(layOut(65_552)).toMatchObject({ columns: 260, rows: 256 })
  })

  it('puts an aligned stretch of 4^j frames into an aligned square', () => {
    const layout = layOut(4096)
    for (let first = 0; first < 4096; first += 64) {
      const cells = Array.from({ length: 64 }, (_, index) => cellOf(layout, first + index))
      const [column, row] = [cells[0]!.column & ~7, cells[0]!.row & ~7]
      expect(cells.every(cell => (cell.column & ~7) === column && (cell.row & ~7) === row)).toBe(true)
    }
  })

  it('needs no larger a square than the frames do', () => {
    expect([1, 4, 5, 65_536, 65_537, 2 ** 26].map(sideFor)).toEqual([1, 2, 4, 256, 512, 8192])
  })
})
