/** A sweep as lines: where a link rate stands, where its lines run and cross, and where their names go. Pure; pixels of CSS. */
import type { Crossover, SweepTable } from '../../shared/model/sweep.ts'
import { valueAxis } from './geometry.ts'

export interface SweepBox {
  left: number
  right: number
  top: number
  bottom: number
}

export interface RateTick {
  /** Null: no cap. */
  rateMbit: number | null
  x: number
}

export interface SweepPoint {
  x: number
  y: number
  ratio: number
  /** Above the chart: drawn at its edge, with its figure. */
  above: boolean
}

export interface SweepLine {
  method: string
  /** Points at neighbouring rates; a rate that was not measured ends a part. */
  parts: SweepPoint[][]
}

export interface CrossPoint {
  x: number
  y: number
  from: string
  to: string
}

/** Twice as slow as stock is as much as can be told beside what is faster. */
const mostRatio = 2
/** Part of the width between the fastest cap and no cap, which is at no rate. */
const openPart = 0.2

function finite(table: SweepTable): number[] {
  return table.rows.flatMap(({ rateMbit }) => rateMbit === null ? [] : [rateMbit])
}

/** Rates by their logarithm, no cap at the right end. */
export function rateTicks(table: SweepTable, { left, right }: SweepBox): RateTick[] {
  const rates = finite(table)
  const hasOpen = rates.length < table.rows.length
  const end = hasOpen && rates.length > 0 ? right - (right - left) * openPart : right
  const [low, high] = [Math.log(rates[0] ?? 1), Math.log(rates.at(-1) ?? 1)]
  const xOf = (rate: number): number => high > low ? left + (Math.log(rate) - low) / (high - low) * (end - left) : left
  return table.rows.map(({ rateMbit }) => ({ rateMbit, x: rateMbit === null ? right : xOf(rateMbit) }))
}

/** From 0; holds stock's 1. */
export function ratioAxis({ rows }: SweepTable): { max: number, step: number } {
  const ratios = rows.flatMap(({ cells }) => Object.values(cells).flatMap(cell => cell?.timeRatio ?? []))
  return valueAxis(Math.min(mostRatio, Math.max(1.1, ...ratios.map(ratio => ratio * 1.02))))
}

export function yOfRatio(ratio: number, max: number, { top, bottom }: SweepBox): number {
  return bottom - (bottom - top) * Math.min(ratio, max) / max
}

export function sweepLines(table: SweepTable, box: SweepBox): SweepLine[] {
  const ticks = rateTicks(table, box)
  const { max } = ratioAxis(table)
  return table.methods.map((method) => {
    const parts: SweepPoint[][] = [[]]
    for (const [index, { cells }] of table.rows.entries()) {
      const ratio = cells[method]?.timeRatio ?? null
      if (ratio === null)
        parts.push([])
      else
        parts.at(-1)!.push({ x: ticks[index]!.x, y: yOfRatio(ratio, max, box), ratio, above: ratio > max })
    }
    return { method, parts: parts.filter(part => part.length > 0) }
  })
}

/** Where the two lines meet between their rates; null where one of them is not drawn there. */
function crossPoint(table: SweepTable, box: SweepBox, { fromMbit, toMbit, from, to }: Crossover): CrossPoint | null {
  const ticks = rateTicks(table, box)
  const [before, after] = [fromMbit, toMbit].map(rate => table.rows.findIndex(({ rateMbit }) => rateMbit === rate)) as [number, number]
  const ratioAt = (row: number, method: string): number | null => table.rows[row]!.cells[method]?.timeRatio ?? null
  const [from0, to0, from1, to1] = [ratioAt(before, from), ratioAt(before, to), ratioAt(after, from), ratioAt(after, to)]
  if (from0 === null || to0 === null || from1 === null || to1 === null)
    return null
  const lead = to0 - from0
  const way = lead + (from1 - to1) === 0 ? 0.5 : lead / (lead + (from1 - to1))
  const ratio = from0 + (from1 - from0) * way
  const x = ticks[before]!.x + (ticks[after]!.x - ticks[before]!.x) * way
  return { x, y: yOfRatio(ratio, ratioAxis(table).max, box), from, to }
}

export function crossPoints(table: SweepTable, box: SweepBox): CrossPoint[] {
  return table.crossovers.map(crossover => crossPoint(table, box, crossover)).filter(point => point !== null)
}

/** Middles of texts at least `height` apart, as near to where they belong as that allows, between `top` and `bottom`. */
export function apart(ys: readonly number[], height: number, { top, bottom }: Pick<SweepBox, 'top' | 'bottom'>): number[] {
  const order = [...ys.entries()].sort((a, b) => a[1] - b[1])
  const placed = Array.from<number>({ length: ys.length })
  let lowest = top - height
  for (const [index, y] of order) {
    lowest = Math.max(y, lowest + height)
    placed[index] = lowest
  }
  let highest = bottom + height
  for (const [index] of order.toReversed()) {
    highest = Math.min(placed[index]!, highest - height)
    placed[index] = highest
  }
  return placed
}
