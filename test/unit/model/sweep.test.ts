import type { Encoding } from '../../../shared/model/encoding.ts'
import type { FinishedRun, RunResult } from '../../../shared/model/run.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodingName, encodingWith } from '../../../shared/model/encoding.ts'
import { isSweep, sweepLegs, sweepTable } from '../../../shared/model/sweep.ts'
import { finishedRun } from './runs.ts'

const rle = encodingWith('rle')
const zstd = encodingWith('zstd', { level: 9 })

function run(encoding: Encoding | null, rateMbit: number | null, totalMs: number, result: Partial<RunResult> = {}): FinishedRun {
  const id = `${encoding ? encodingName(encoding) : 'stock'} at ${rateMbit}`
  const settings = encoding ? { mode: 'me2', ...encoding, rateMbit } as const : { mode: 'stock', rateMbit } as const
  return finishedRun({ settings, run: { id, race: { id: 'sweep', index: 0, runs: 9, kind: 'sweep' } }, result: { totalMs, linkBytes: totalMs * 1000, ...result } })
}

describe('the plan of a sweep', () => {
  it('has at each rate one stock run and one of each encoding', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 5 }), (rates, levels) => {
      const encodings = Array.from({ length: levels }, (_, index) => encodingWith('zstd', { level: index + 1 }))
      const legs = sweepLegs(rates, encodings)
      for (const rate of rates) {
        const there = legs.filter(({ rateMbit }) => rateMbit === rate)
        expect(there.map(({ level }) => level).sort()).toEqual([null, ...encodings.map(({ level }) => level)].sort())
      }
    }))
  })

  it('takes each method in both directions from one rate to the next', () => {
    for (const encodings of [[rle], [rle, zstd]]) {
      const legs = sweepLegs([10, 20], encodings)
      for (const encoder of [null, 'rle']) {
        const [first, second] = legs.flatMap((leg, index) => leg.encoder === encoder ? [index % 2] : [])
        expect(first).not.toBe(second)
      }
    }
  })
})

describe('the table of a sweep', () => {
  const runs = [
    run(null, null, 1000),
    run(rle, null, 1100),
    run(zstd, null, 5000),
    run(null, 10, 200_000),
    run(rle, 10, 70_000, { cpuMs: { source: { agent: 5, xl: 1 }, target: { agent: 2, xl: 1 } } }),
    run(zstd, 10, 30_000),
    run(null, 100, 20_000),
    run(rle, 100, 7000),
    run(zstd, 100, 9000),
  ]

  it('goes from the slowest link to the one without a cap, over stock at the same rate', () => {
    const { methods, rows } = sweepTable(runs)
    expect(methods).toEqual(['stock', 'rle', 'zstd 9'])
    expect(rows.map(({ rateMbit }) => rateMbit)).toEqual([10, 100, null])
    expect(rows[0]!.cells.rle).toEqual({ run: 'rle at 10', totalMs: 70_000, linkBytes: 70_000_000, cpuMs: 9, timeRatio: 0.35, dataRatio: 0.35 })
    expect(rows[0]!.cells.stock).toMatchObject({ timeRatio: 1, cpuMs: null })
  })

  it('names the fastest at each rate, stock among them, and where it changes', () => {
    const { rows, crossovers } = sweepTable(runs)
    expect(rows.map(({ fastest }) => fastest)).toEqual(['zstd 9', 'rle', 'stock'])
    expect(crossovers).toEqual([
      { fromMbit: 10, toMbit: 100, from: 'zstd 9', to: 'rle' },
      { fromMbit: 100, toMbit: null, from: 'rle', to: 'stock' },
    ])
  })

  it('counts nothing for a run that failed, and compares nothing where stock did', () => {
    const failed = runs.map(each => each.id === 'stock at 10' || each.id === 'zstd 9 at 10' ? { ...each, result: { ...each.result, outcome: 'aborted' as const } } : each)
    const { rows, crossovers } = sweepTable(failed)
    expect(rows[0]).toMatchObject({ cells: { 'stock': null, 'rle': { timeRatio: null }, 'zstd 9': null }, fastest: null })
    expect(crossovers).toEqual([{ fromMbit: 100, toMbit: null, from: 'rle', to: 'stock' }])
  })

  it('is whole while the sweep goes on', () => {
    expect(sweepTable([runs[0]!])).toEqual({ methods: ['stock'], rows: [{ rateMbit: null, cells: { stock: expect.anything() as unknown }, fastest: null }], crossovers: [] })
    expect(sweepTable([])).toEqual({ methods: ['stock'], rows: [], crossovers: [] })
  })

  it('is that of a sweep only', () => {
    expect(isSweep(runs)).toBe(true)
    expect(isSweep([finishedRun()])).toBe(false)
  })
})
