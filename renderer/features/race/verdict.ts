/** What a race's figures come to in plain words, good or bad. Pure. */
import type { RaceRow } from '../../../shared/model/raceTable.ts'

export type Direction = 'less' | 'more' | 'same'

export interface Change {
  direction: Direction
  /** Whole per cent, never negative. */
  percent: number
}

/** `ratio` is ME2 ÷ stock. Less than half a per cent is no difference that could be told. */
export function changeOf(ratio: number): Change {
  const percent = Math.abs(Math.round((1 - ratio) * 100))
  return { percent, direction: percent === 0 ? 'same' : ratio < 1 ? 'less' : 'more' }
}

export interface Verdict {
  data: Change
  time: Change
  pause: Change
}

/** Null unless both modes have all three figures. */
export function verdictOf(rows: readonly RaceRow[]): Verdict | null {
  const ratio = (measure: RaceRow['measure']): number | null => rows.find(row => row.measure === measure)?.ratio ?? null
  const [data, time, pause] = [ratio('data'), ratio('time'), ratio('downtime')]
  if (data === null || time === null || pause === null)
    return null
  return { data: changeOf(data), time: changeOf(time), pause: changeOf(pause) }
}

/** Percentage points by which this race saved more (positive) or less than the paper did on average. */
export function pointsBeyondPaper(ratio: number, paper: number): number {
  return Math.round((paper - ratio) * 100)
}

/** Where the strips end: past every dot and past stock's median, in steps of a quarter. */
export function stripAxis(ratios: readonly number[]): { max: number, ticks: number[] } {
  const most = Math.max(1.1, ...ratios) * 1.04
  const step = most <= 1.6 ? 0.25 : most <= 4 ? 0.5 : Math.ceil(most / 6)
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
  return { max: most, ticks: ticks.includes(1) ? ticks : [...ticks, 1].sort((a, b) => a - b) }
}
