import type { Encoding } from '../../../shared/model/encoding.ts'
import type { FinishedRun } from '../../../shared/model/run.ts'
import { describe, expect, it } from 'vitest'
import { apart, crossPoints, rateTicks, ratioAxis, sweepLines } from '../../../renderer/charts/sweepLines.ts'
import { encodingWith } from '../../../shared/model/encoding.ts'
import { sweepTable } from '../../../shared/model/sweep.ts'
import { finishedRun } from '../../unit/model/runs.ts'

const box = { left: 50, right: 550, top: 20, bottom: 320 }
const rle = encodingWith('rle')
const zstd = encodingWith('zstd')

function run(encoding: Encoding | null, rateMbit: number | null, totalMs: number): FinishedRun {
  return finishedRun({ settings: encoding ? { mode: 'me2', ...encoding, rateMbit } : { rateMbit }, result: { totalMs } })
}
/** Over stock: rle 0.4, 0.4, 1.2; zstd 0.2, 0.6, 9. */
const table = sweepTable([
  ...[10, 100, null].map(rate => run(null, rate, 1000)),
  ...[10, 100, null].map((rate, index) => run(rle, rate, [400, 400, 1200][index]!)),
  ...[10, 100, null].map((rate, index) => run(zstd, rate, [200, 600, 9000][index]!)),
])

describe('a sweep as lines', () => {
  it('places rates by their logarithm, and no cap apart at the right end', () => {
    expect(rateTicks(table, box)).toEqual([{ rateMbit: 10, x: 50 }, { rateMbit: 100, x: 450 }, { rateMbit: null, x: 550 }])
    const single = sweepTable([run(null, 10, 1), run(rle, 10, 1)])
    expect(rateTicks(single, box)).toEqual([{ rateMbit: 10, x: 50 }])
  })

  it('keeps what is far slower than stock at the edge, with its figure', () => {
    const { max } = ratioAxis(table)
    expect(max).toBe(2)
    const last = sweepLines(table, box).find(({ method }) => method === 'zstd 3')!.parts[0]!.at(-1)!
    expect(last).toMatchObject({ y: box.top, ratio: 9, above: true })
  })

  it('breaks a line at a rate that was not measured', () => {
    const broken = sweepTable([...[10, 50, 100].map(rate => run(null, rate, 1000)), run(rle, 10, 400), run(rle, 100, 500)])
    expect(sweepLines(broken, box).find(({ method }) => method === 'rle')!.parts.map(part => part.length)).toEqual([1, 1])
  })

  it('marks where the fastest changes, on both lines', () => {
    const [first, second] = crossPoints(table, box)
    // zstd goes from 0.2 to 0.6 while rle stays at 0.4: half of the way.
    expect(first!.x).toBeCloseTo(250, 6)
    expect(first).toMatchObject({ from: 'zstd 3', to: 'rle' })
    expect(first!.y).toBeCloseTo(320 - 300 * 0.4 / 2, 6)
    expect(second).toMatchObject({ from: 'rle', to: 'stock' })
    expect(second!.y).toBeCloseTo(320 - 300 / 2, 6)
  })
})

describe('names at the ends of lines', () => {
  it('do not cover each other, and stay in the chart', () => {
    const placed = apart([100, 101, 99, 318, 320], 15, box)
    const sorted = placed.toSorted((a, b) => a - b)
    for (const [index, y] of sorted.slice(1).entries())
      expect(y - sorted[index]!).toBeGreaterThanOrEqual(15)
    expect(sorted.at(-1)).toBeLessThanOrEqual(box.bottom)
    expect(placed[2]!).toBeLessThan(placed[0]!)
  })
})
