/** What the runs of a race come to: each measure's spread by mode and its ratio, ME2 ÷ stock. Failed runs do not count. */
import type { FinishedRun, Mode, Run, RunResult } from './run.ts'
import type { Spread } from './statistics.ts'
import { isFinished } from './run.ts'
import { ratioOfMedians, spreadOf } from './statistics.ts'

export type Measure = 'data' | 'disk' | 'cpu' | 'time' | 'downtime' | 'downtimeTransfer' | 'heartbeatGap'

/** The paper's averages, ME2 ÷ stock (Ma et al., CLUSTER 2012): 50.5 % less data, 48.2 % less time, 47.6 % less downtime. */
const paperRatios: Readonly<Record<Measure, number | null>> = {
  data: 0.495,
  disk: null,
  cpu: null,
  time: 0.518,
  downtime: 0.524,
  downtimeTransfer: null,
  heartbeatGap: null,
}

/** Processor time of agent and xl on both hosts; null unless both told. */
export function cpuTotalMs({ cpuMs }: RunResult): number | null {
  if (!cpuMs?.source || !cpuMs.target)
    return null
  return cpuMs.source.agent + cpuMs.source.xl + cpuMs.target.agent + cpuMs.target.xl
}

/** What went over the link, for memory and, if it went along, the disk. */
function sentBytes({ linkBytes, disk }: RunResult): number {
  return linkBytes + (disk?.linkBytes ?? 0)
}

const measures = [
  { measure: 'data', unit: 'bytes', of: sentBytes },
  { measure: 'disk', unit: 'bytes', of: result => result.disk?.linkBytes ?? null },
  { measure: 'cpu', unit: 'ms', of: cpuTotalMs },
  { measure: 'time', unit: 'ms', of: result => result.totalMs },
  { measure: 'downtime', unit: 'ms', of: result => result.downtimeMs },
  { measure: 'downtimeTransfer', unit: 'ms', of: result => result.downtimeTransferMs },
  { measure: 'heartbeatGap', unit: 'ms', of: result => result.heartbeatGapMs },
] as const satisfies readonly { measure: Measure, unit: 'bytes' | 'ms', of: (result: RunResult) => number | null }[]

/** Null where it was not measured. */
export function measured({ result }: FinishedRun, measure: Measure): number | null {
  return measures.find(each => each.measure === measure)!.of(result)
}

export interface RaceRow {
  measure: Measure
  unit: 'bytes' | 'ms'
  stock: Spread | null
  me2: Spread | null
  /** ME2 ÷ stock of the medians; below 1 is better. */
  ratio: number | null
  paper: number | null
}

export function raceTable(runs: readonly Run[]): RaceRow[] {
  const migrated = runs.filter(isFinished).filter(run => run.result.outcome === 'migrated')
  return measures.map(({ measure, unit }) => {
    const spread = (mode: Mode): Spread | null =>
      spreadOf(migrated.filter(run => run.settings.mode === mode).map(run => measured(run, measure)).filter(value => value !== null))
    const stock = spread('stock')
    const me2 = spread('me2')
    return { measure, unit, stock, me2, ratio: ratioOfMedians(me2, stock), paper: paperRatios[measure] }
  })
}

export type RaceRatio = Record<Measure, number | null>

export function raceRatio(runs: readonly Run[]): RaceRatio {
  const ratios = Object.fromEntries(raceTable(runs).map(row => [row.measure, row.ratio]))
  return ratios as RaceRatio
}
